import { expect, test } from "vitest";
import { checkCoherence } from "./coherence.ts";
import { Findings } from "./difference.ts";
import { storedExchange } from "./stored.testkit.ts";
import type { StoredExchange } from "./stored.ts";

const projectors = { ships: () => false, stopReasons: () => [] };

function differences(exchanges: readonly StoredExchange[], isRecorded = true): readonly string[] {
  const findings = new Findings();
  checkCoherence(
    { messages: [], exchanges },
    new Map(),
    { projectors, isRecorded, requests: new Set<string>() },
    findings,
  );
  return findings.differences.map(({ class: kind, id, message }) => `${kind}: ${id} ${message}`);
}

const sharing = (...ids: readonly string[]): readonly StoredExchange[] =>
  ids.map((exchangeId, index) =>
    storedExchange({ exchangeId, requestId: "request", responseId: `response ${index}` }),
  );

test("calls of one connection share the name that its handshake was answered with", () => {
  expect(differences(sharing("one#1", "one#2", "one#3"))).toEqual([]);
});

test("two exchanges, or calls of two connections, have no name in common", () => {
  expect(differences(sharing("one", "two"))).toEqual(["doubled: two has the request_id of another exchange"]);
  expect(differences(sharing("one#1", "two#1"))).toEqual([
    "doubled: two#1 has the request_id of another exchange",
  ]);
});

test("a server that gives all its answers one name is no copy of itself, unless all came at once", () => {
  const answers = (...times: readonly string[]): readonly StoredExchange[] =>
    times.map((startedAt) => storedExchange({ exchangeId: startedAt, startedAt, responseId: "chatcmpl-1" }));
  expect(differences(answers("1", "2"), false)).toEqual([]);
  expect(differences(answers("1", "1"), false)).toHaveLength(1);
});
