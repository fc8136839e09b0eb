import type { ContentBlock, JsonObject } from "../../contract/projection.ts";
import type { AnswerFacts } from "../answer-facts.ts";
import { asName, asObject, asObjects, asText, known, parseJson } from "../loose.ts";
import { UsageTally } from "./usage.ts";

/** A content block of an answer. */
export interface AnswerBlock {
  readonly block: ContentBlock;
  /** When it began, in milliseconds since the exchange's start; absent when the answer came in one piece. */
  readonly tMs?: number;
}

/** What a response said, as far as it came. */
export interface Answer extends AnswerFacts {
  readonly role: string;
  /** In the order of their index; also when the answer broke off. */
  readonly blocks: readonly AnswerBlock[];
}

/** A response that is not a stream: a message, or an error. `undefined` when it is neither. */
export function readAnswer(body: string | null): Answer | undefined {
  const value = asObject(parseJson(body));
  if (value === undefined) return undefined;
  const error = readError(value);
  if (error !== undefined && value["role"] !== "assistant") {
    return { role: "assistant", blocks: [], isPartial: false, details: {}, error };
  }
  if (value["role"] !== "assistant") return undefined;
  const tally = new UsageTally();
  tally.add(asObject(value["usage"]));
  const text = asName(value["content"]);
  const content = text === undefined ? asObjects(value["content"]) : [{ type: "text", text }];
  return {
    role: "assistant",
    blocks: content.map((block) => ({ block })),
    isPartial: false,
    details: tally.details,
    ...known({
      id: asName(value["id"]),
      model: asName(value["model"]),
      stopReason: asName(value["stop_reason"]),
      usage: tally.usage,
    }),
  };
}

/** `type: message` of `{type: "error", error: {type, message}}`; undefined when it is something else. */
export function readError(value: JsonObject): string | undefined {
  if (value["type"] !== "error" && (value["error"] ?? undefined) === undefined) return undefined;
  const error = asObject(value["error"]);
  const text = asName(error?.["message"]) ?? asText(value["error"]) ?? asName(value["message"]);
  const parts = [asName(error?.["type"]), text].filter((part) => part !== undefined);
  return parts.length === 0 ? "error" : parts.join(": ");
}
