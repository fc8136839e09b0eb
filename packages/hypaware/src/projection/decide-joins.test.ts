import { expect, test } from "vitest";
import type { JoinPlace } from "../contract/record.ts";
import { decideJoins } from "./decide-joins.ts";

const HOUR = 3_600_000;
const place = (
  conversationId: string,
  from: number,
  to = from,
  sessionId: string | null = null,
): JoinPlace => ({
  conversationId,
  sessionId,
  from,
  to,
});
const pairs = (wire: readonly JoinPlace[], told: readonly JoinPlace[]): readonly string[] =>
  decideJoins(wire, told).map((join) => `${join.inferred}=${join.told}`);

test("one on either side are one, whenever the record is read and whatever the clocks say", () => {
  expect(pairs([place("i", 0, 100)], [place("s", 90)])).toEqual(["i=s"]);
  expect(pairs([place("i", 0, 100)], [place("s", 50 * HOUR)])).toEqual(["i=s"]);
  expect(pairs([place("i", 0), place("i", 5)], [place("s", 1), place("s", 6)])).toEqual(["i=s"]);
  expect(pairs([], [place("s", 0)])).toEqual([]);
  expect(pairs([place("i", 0)], [])).toEqual([]);
});

test("of several that pair counts that was written down while it was sent", () => {
  const told = [place("old", 0), place("new", 50 * HOUR)];
  expect(pairs([place("i", 50 * HOUR - 100, 50 * HOUR)], told)).toEqual(["i=new"]);
  const wire = [place("first", 0, 10), place("second", 50 * HOUR - 10, 50 * HOUR)];
  expect(pairs(wire, told)).toEqual(["first=old", "second=new"]);
  expect(pairs(wire, [told[1]!])).toEqual(["second=new"]);
});

test("what the clock does not decide either stays as it is", () => {
  const told = [place("a", 100), place("b", 200)];
  expect(pairs([place("i", 0, 300)], told)).toEqual([]);
  expect(pairs([place("i", 50 * HOUR)], told)).toEqual([]);
  expect(pairs([place("i", 0, 150), place("j", 100, 250)], told)).toEqual([]);
  // A third that is alone is not held up by them.
  const more = [...told, place("c", 9 * HOUR)];
  expect(pairs([place("i", 0, 300), place("j", 9 * HOUR - 10, 9 * HOUR)], more)).toEqual(["j=c"]);
});

test("a session that the wire names is that one and no other", () => {
  const told = [place("a", 100, 100, "A"), place("b", 200, 200, "B")];
  expect(pairs([place("i", 0, 300, "B")], told)).toEqual(["i=b"]);
  expect(pairs([place("i", 0, 300, "C")], told)).toEqual([]);
});
