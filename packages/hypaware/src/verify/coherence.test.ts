import { expect, test } from "vitest";
import { checkCoherence } from "./coherence.ts";
import { Findings } from "./difference.ts";
import type { StoredExchange } from "./stored.ts";

function differences(...ids: readonly string[]): readonly string[] {
  const exchanges = ids.map((exchangeId, index) => ({
    ...({ exchangeId, conversationId: "c", sessionId: "c" } as StoredExchange),
    requestId: "request",
    responseId: `response ${index}`,
  }));
  const findings = new Findings();
  checkCoherence({ messages: [], exchanges }, new Map(), findings);
  return findings.differences.map(({ class: kind, id, message }) => `${kind}: ${id} ${message}`);
}

test("calls of one connection share the name that its handshake was answered with", () => {
  expect(differences("one#1", "one#2", "one#3")).toEqual([]);
});

test("two exchanges, or calls of two connections, have no name in common", () => {
  expect(differences("one", "two")).toEqual(["doubled: two has the request_id of another exchange"]);
  expect(differences("one#1", "two#1")).toEqual(["doubled: two#1 has the request_id of another exchange"]);
});
