import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Outcome } from "../contract/exchange.ts";
import type { FrameSink } from "../contract/frame.ts";
import type { ClientRecord, RecordEntry } from "../contract/plugin.ts";
import type { Projection } from "../contract/projection.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";

/** One conversation per session: every request repeats the history, the answer is the upper-cased last prompt. */
export const chat: RegisteredProjector = {
  name: "chat",
  order: 0,
  match: (record) => record.path === "/chat",
  project(record): Projection {
    const request = JSON.parse(record.request_body ?? "{}") as { session: string; turns: string[] };
    const answer = record.response_body;
    const messages = request.turns.map((text, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: text,
    }));
    return {
      provider: "test",
      conversation_id: request.session,
      messages:
        answer === null
          ? messages
          : [
              ...messages,
              { role: "assistant", content: answer, is_answer: true, links: [`answer:${answer}`] },
            ],
      exchange: { request_class: "main", session_id: request.session },
    };
  },
};

export interface Exchange {
  readonly turns: readonly string[];
  readonly answer?: string;
  readonly session?: string;
  readonly outcome?: Outcome;
  readonly startedAt?: number;
}

/** Appends an exchange's frames; without an answer it is left open. */
export function exchange(
  sink: FrameSink,
  { turns, answer, session = "s", outcome = "complete", startedAt = 1_000 }: Exchange,
): string {
  const exchangeId = randomBytes(16).toString("hex");
  const request = Buffer.from(JSON.stringify({ session, turns }));
  sink.append({
    kind: "open",
    exchangeId,
    head: {
      startedAt,
      method: "POST",
      target: "/chat",
      httpVersion: "1.1",
      headers: ["content-type", "application/json"],
      upstream: "test",
      provider: "test",
      routeReason: "match",
      clientName: null,
      gatewayId: "g",
      metadata: {},
    },
  });
  sink.append({ kind: "request-body", exchangeId, bytes: request, masked: [], last: true });
  if (answer === undefined) return exchangeId;
  const bytes = Buffer.from(answer);
  sink.append({
    kind: "response-head",
    exchangeId,
    head: { tMs: 1, status: 200, statusText: "OK", headers: ["content-type", "text/plain"] },
  });
  sink.append({
    kind: "response-bytes",
    exchangeId,
    bytes,
    arrivals: [{ tMs: 2, length: bytes.length }],
    masked: [],
  });
  sink.append({
    kind: "close",
    exchangeId,
    end: { tMs: 3, outcome, error: null, requestBytes: request.length, responseBytes: bytes.length },
  });
  return exchangeId;
}

/** Lines of `<session>.jsonl`: id, predecessor, role, text. */
export const transcripts = (folder: string): ClientRecord => ({
  name: "transcripts",
  client: "test",
  roots: [join(folder, "record")],
  accepts: (path) => path.endsWith(".jsonl"),
  read({ text: line, path }) {
    const [id, previous, role, text] = JSON.parse(line) as [string, string | null, string, string];
    const session = path.slice(0, -".jsonl".length);
    const entry: RecordEntry = {
      conversation_id: session,
      session_id: session,
      request_class: "main",
      provider: "test",
      is_on_wire: role !== "system",
      message: {
        role,
        content: text,
        message_id: id,
        previous_message_id: previous === null ? [] : [previous],
        message_created_at: "2026-03-01T12:00:00.000Z",
        provider_uuid: id,
        links: role === "assistant" ? [`answer:${text}`] : [],
        joins: role === "assistant" ? [`answer:${text}`] : [],
      },
    };
    return { entries: [entry] };
  },
});
