// An answer put together from its stream: chunks of `{id, model, choices: [{index, delta, finish_reason}]}`, at the end one with
// `usage` if the request asked for it, then `[DONE]`. A stream may break off anywhere and begin anywhere (a gap in our copy); what
// came is kept.
import type { StreamEvent } from "../../contract/exchange.ts";
import type { Json, JsonObject } from "../../contract/projection.ts";
import { asName, asNumber, asObject, asObjects, asText, known, parseJson, present } from "../loose.ts";
import { readError } from "../openai-error.ts";
import { type Answer, readCompletion } from "./answer.ts";

/** `undefined` when no event said anything of an answer. */
export function readStream(events: readonly StreamEvent[]): Answer | undefined {
  const stream = new AnswerStream();
  for (const { data, t_ms } of events) {
    const chunk = asObject(parseJson(data));
    if (chunk !== undefined) stream.take(chunk, t_ms);
    else if (data.trim() === "[DONE]") stream.end();
  }
  return stream.answer();
}

class AnswerStream {
  readonly #choices = new Map<number, OpenChoice>();
  /** What chunks say of the whole: the last one that says it counts. */
  #head: JsonObject = {};
  #seen = false;
  #ended = false;

  take(chunk: JsonObject, tMs: number): void {
    const head = present(chunk, ["id", "model", "service_tier", "usage", "error"]);
    if (!Array.isArray(chunk["choices"]) && head["usage"] === undefined && head["error"] === undefined)
      return;
    this.#head = { ...this.#head, ...head };
    this.#seen = true;
    for (const choice of asObjects(chunk["choices"])) {
      const index = asNumber(choice["index"]) ?? 0;
      let open = this.#choices.get(index);
      if (open === undefined) this.#choices.set(index, (open = new OpenChoice(index)));
      open.take(choice, tMs);
    }
  }

  end(): void {
    this.#ended = true;
  }

  answer(): Answer | undefined {
    if (!this.#seen) return undefined;
    const choices = [...this.#choices.values()];
    const first = choices.toSorted((a, b) => a.index - b.index)[0];
    const answer = readCompletion({ ...this.#head, choices: choices.map((open) => open.choice()) });
    const isEnd = this.#ended || answer.stopReason !== undefined || readError(this.#head) !== undefined;
    return { ...answer, isPartial: !isEnd, ...known({ tMs: first?.tMs }) };
  }
}

/** Members of a delta that are pieces of one text. */
const TEXTS = ["content", "refusal", "reasoning_content", "reasoning"] as const;

/** One choice while it grows. */
class OpenChoice {
  readonly index: number;
  /** When it first said something. */
  tMs: number | undefined;
  #role: Json | undefined;
  #finishReason: Json | undefined;
  readonly #texts: Partial<Record<(typeof TEXTS)[number], string>> = {};
  readonly #calls = new Map<number, JsonObject>();

  constructor(index: number) {
    this.index = index;
  }

  take(choice: JsonObject, tMs: number): void {
    this.tMs ??= tMs;
    this.#finishReason = asName(choice["finish_reason"]) ?? this.#finishReason;
    const delta = asObject(choice["delta"]) ?? {};
    this.#role = asName(delta["role"]) ?? this.#role;
    for (const name of TEXTS) {
      const piece = asText(delta[name]);
      if (piece !== undefined) this.#texts[name] = (this.#texts[name] ?? "") + piece;
    }
    for (const call of asObjects(delta["tool_calls"])) this.#call(call);
    const old = asObject(delta["function_call"]);
    if (old !== undefined) this.#call({ id: old["name"], function: old });
  }

  choice(): JsonObject {
    const calls = [...this.#calls].sort(([a], [b]) => a - b).map(([, call]) => call);
    const message = {
      role: this.#role,
      ...this.#texts,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
    return { index: this.index, message, finish_reason: this.#finishReason };
  }

  /** The first piece of a call has its id and name, the rest of them more of its arguments. */
  #call(piece: JsonObject): void {
    const index = asNumber(piece["index"]) ?? 0;
    const before = this.#calls.get(index);
    const grown = (member: string, text: string): JsonObject => {
      const [old, more] = [asObject(before?.[member]), asObject(piece[member])];
      if (old === undefined && more === undefined) return {};
      const said = (asText(old?.[text]) ?? "") + (asText(more?.[text]) ?? "");
      return { [member]: { name: asName(old?.["name"]) ?? more?.["name"], [text]: said } };
    };
    this.#calls.set(index, {
      id: asName(before?.["id"]) ?? piece["id"],
      ...grown("function", "arguments"),
      ...grown("custom", "input"),
    });
  }
}
