import type { ContentBlock, JsonObject } from "../../contract/projection.ts";
import { asName, asNumber, asObject, asObjects, known, parseJson, present } from "../loose.ts";
import type { AnswerFacts } from "../answer-facts.ts";
import { readError } from "../openai-error.ts";
import { blocksOf } from "./message.ts";
import { readUsage } from "../openai-usage.ts";

/** What a response said, as far as it came. Of several choices the first: it is what a conversation goes on with. */
export interface Answer extends AnswerFacts {
  readonly role: string;
  readonly blocks: readonly ContentBlock[];
  /** When the first choice began, in milliseconds since the exchange's start; absent when it came in one piece. */
  readonly tMs?: number;
}

/** A response that is not a stream: a completion, or an error. `undefined` when it is neither. */
export function readAnswer(body: string | null): Answer | undefined {
  const value = asObject(parseJson(body));
  if (value === undefined) return undefined;
  if (!Array.isArray(value["choices"]) && readError(value) === undefined) return undefined;
  return { ...readCompletion(value), isPartial: false };
}

/** A completion object: `{id, model, choices: [{index, message, finish_reason}], usage}`. */
export function readCompletion(completion: JsonObject): Omit<Answer, "isPartial"> {
  const [first, ...others] = asObjects(completion["choices"]).toSorted((a, b) => indexOf(a) - indexOf(b));
  const message = asObject(first?.["message"]) ?? {};
  return {
    role: asName(message["role"]) ?? "assistant",
    blocks: blocksOf(message),
    details: {
      ...present(completion, ["service_tier"]),
      ...(others.length === 0 ? {} : { other_choices: others }),
    },
    ...known({
      id: asName(completion["id"]),
      model: asName(completion["model"]),
      stopReason: asName(first?.["finish_reason"]),
      usage: readUsage(asObject(completion["usage"])),
      error: readError(completion),
    }),
  };
}

function indexOf(choice: JsonObject): number {
  return asNumber(choice["index"]) ?? 0;
}
