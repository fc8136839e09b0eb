import type { JsonObject } from "../../contract/projection.ts";
import { asName, asObject, asObjects, known, parseJson, present } from "../loose.ts";
import type { AnswerFacts } from "../answer-facts.ts";
import { readError } from "../openai-error.ts";
import { readItem, type ResponseItem } from "./item.ts";
import { readUsage } from "../openai-usage.ts";

/** An item of an answer. */
export interface AnswerItem {
  readonly item: ResponseItem;
  /** When it began, in milliseconds since the exchange's start; absent when the answer came in one piece. */
  readonly tMs?: number;
}

/** What a response said, as far as it came. */
export interface Answer extends AnswerFacts {
  readonly items: readonly AnswerItem[];
}

/** A response that is not a stream: a response object, or an error. `undefined` when it is neither. */
export function readAnswer(body: string | null): Answer | undefined {
  const value = asObject(parseJson(body));
  if (value === undefined) return undefined;
  const isAnswer = Array.isArray(value["output"]) || asName(value["output_text"]) !== undefined;
  if (!isAnswer && readError(value) === undefined) return undefined;
  return { ...readResponse(value), isPartial: false };
}

/** A response object: the body of a JSON answer, and what the first and last events of a stream hold. */
export function readResponse(response: JsonObject): Omit<Answer, "isPartial"> {
  const text = asName(response["output_text"]);
  const output = asObjects(response["output"]);
  // Some servers say the text alone.
  const items =
    output.length > 0 || text === undefined
      ? output
      : [{ type: "message", role: "assistant", content: text }];
  const status = asName(response["status"]);
  return {
    items: items.map((item) => ({ item: readItem(item) })),
    details: present(response, ["service_tier"]),
    ...known({
      id: asName(response["id"]),
      model: asName(response["model"]),
      stopReason: asName(asObject(response["incomplete_details"])?.["reason"]) ?? ended(status),
      usage: readUsage(asObject(response["usage"])),
      error: readError(response),
    }),
  };
}

/** Of a status only what is an end. */
function ended(status: string | undefined): string | undefined {
  return status === "in_progress" || status === "queued" ? undefined : status;
}
