import { expect, test } from "vitest";
import type { UnrecordedReport } from "../verify/unrecorded.ts";
import { verifyReport } from "./verify-report.ts";

const LOOKED_AT = { sessions: 2, conversations: 2, exchanges: 3, messages: 6 };

const unrecorded = (sessions: UnrecordedReport["sessions"]): UnrecordedReport => ({
  client: null,
  record: null,
  roots: ["/home/me/.hyp/hypaware/store"],
  looked_at: LOOKED_AT,
  sessions,
  unreadable: [],
});

test("what no client wrote down is a report of how much was looked at", () => {
  expect(verifyReport([unrecorded([])])).toBe(
    "without a client's record  /home/me/.hyp/hypaware/store\n  2 conversations, 3 exchanges, 6 messages: 0 differences\n",
  );
});

test("what is wrong there is listed under its session, its conversation or its day", () => {
  const difference = {
    class: "broken",
    subject: "exchange",
    id: "e1",
    conversation_id: "c1",
    message: "total_input_tokens is 4, and its parts are 3",
  } as const;
  const session = {
    session_id: "c1",
    conversations: 1,
    messages: 0,
    responses: 0,
    attempts: 0,
    linked: 0,
    exchanges: 1,
    by_nature: {},
    differences: [difference],
  };
  expect(
    verifyReport([unrecorded([session])])
      .split("\n")
      .slice(1),
  ).toEqual([
    "  c1  1 exchange, 1 difference",
    "    [broken] exchange e1: total_input_tokens is 4, and its parts are 3",
    "  2 conversations, 3 exchanges, 6 messages: 1 difference",
    "",
  ]);
});
