// A response of the API: one object, or many of the same form, as server-sent events or as the elements of a JSON array. Each has
// pieces of the answer, and the newest usage and reason to stop. A stream may break off anywhere; what came is kept.
import type { StreamEvent } from "../../contract/exchange.ts";
import type { ContentBlock, JsonObject } from "../../contract/projection.ts";
import type { AnswerFacts } from "../answer-facts.ts";
import { asName, asNumber, asObject, asObjects, known, parseJson } from "../loose.ts";
import type { CallIds } from "./call-ids.ts";
import { objectsOf } from "./json-array.ts";
import { Turn } from "./turn.ts";
import { UsageTally } from "./usage.ts";

/** What a response said, as far as it came. */
export interface Answer extends AnswerFacts {
  /** Of the first candidate: the others are in no history. */
  readonly blocks: readonly ContentBlock[];
  readonly wireIds: Readonly<Record<string, string>>;
  /** When the first piece came, in milliseconds since the exchange's start; absent when the answer was no event stream. */
  readonly tMs?: number;
  readonly stopMessage?: string;
}

/** `undefined` when no event said anything of an answer. `calls`: of the request. */
export function readStream(events: readonly StreamEvent[], calls: CallIds): Answer | undefined {
  const reader = new AnswerReader(calls);
  for (const { data, t_ms } of events) reader.take(asObject(parseJson(data)), t_ms);
  return reader.answer();
}

/** The same of a body. */
export function readAnswer(body: string | null, calls: CallIds): Answer | undefined {
  const reader = new AnswerReader(calls);
  for (const piece of objectsOf(body)) reader.take(piece, undefined);
  return reader.answer();
}

class AnswerReader {
  readonly #turn: Turn;
  readonly #tally = new UsageTally();
  #seen = false;
  #tMs: number | undefined;
  #id: string | undefined;
  #model: string | undefined;
  #stopReason: string | undefined;
  #stopMessage: string | undefined;
  #error: string | undefined;

  constructor(calls: CallIds) {
    this.#turn = new Turn(calls, true);
  }

  /** A signed-in client's backend puts each piece into `{response, traceId}`. */
  take(wire: JsonObject | undefined, tMs: number | undefined): void {
    const piece = asObject(wire?.["response"]) ?? wire;
    if (piece === undefined) return;
    const error = asObject(piece["error"]);
    const feedback = asObject(piece["promptFeedback"]);
    const usage = asObject(piece["usageMetadata"]);
    if (error !== undefined) this.#error = errorText(error);
    if (error === undefined && feedback === undefined && usage === undefined && !("candidates" in piece))
      return;
    this.#seen = true;
    this.#id = asName(piece["responseId"]) ?? asName(wire?.["traceId"]) ?? this.#id;
    this.#model = asName(piece["modelVersion"]) ?? this.#model;
    this.#tally.add(usage);
    this.#blocked(feedback);
    this.#candidate(firstOf(asObjects(piece["candidates"])), tMs);
  }

  answer(): Answer | undefined {
    if (!this.#seen) return undefined;
    return {
      blocks: this.#turn.blocks,
      wireIds: this.#turn.wireIds,
      isPartial: this.#stopReason === undefined && this.#error === undefined,
      details: this.#tally.details,
      ...known({
        tMs: this.#tMs,
        id: this.#id,
        model: this.#model,
        stopReason: this.#stopReason,
        stopMessage: this.#stopMessage,
        usage: this.#tally.usage,
        error: this.#error,
      }),
    };
  }

  #candidate(candidate: JsonObject | undefined, tMs: number | undefined): void {
    if (candidate === undefined) return;
    this.#stopReason = asName(candidate["finishReason"]) ?? this.#stopReason;
    this.#stopMessage = asName(candidate["finishMessage"]) ?? this.#stopMessage;
    const content = asObject(candidate["content"]);
    if (content !== undefined) this.#tMs ??= tMs;
    this.#turn.take(content);
  }

  #blocked(feedback: JsonObject | undefined): void {
    const reason = asName(feedback?.["blockReason"]);
    if (reason === undefined) return;
    const message = asName(feedback?.["blockReasonMessage"]);
    this.#stopReason = reason;
    this.#error = `prompt blocked: ${message === undefined ? reason : `${reason}: ${message}`}`;
  }
}

/** Number 0; a candidate without a number is that one. */
function firstOf(candidates: readonly JsonObject[]): JsonObject | undefined {
  return candidates.find((candidate) => (asNumber(candidate["index"]) ?? 0) === 0);
}

/** `STATUS: message` of `{code, message, status}`. */
function errorText(error: JsonObject): string {
  const status = asName(error["status"]) ?? asNumber(error["code"])?.toString();
  const parts = [status, asName(error["message"])].filter((part) => part !== undefined);
  return parts.length === 0 ? "error" : parts.join(": ");
}
