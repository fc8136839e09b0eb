import type { Json, JsonObject } from "../../contract/projection.ts";
import { asNumber, asObjects, asText } from "../loose.ts";

/** Where a delta or part belongs: a list of parts of the item, or one of its texts. */
type Place =
  | {
      readonly list: "content" | "summary";
      readonly index: string;
      readonly part: string;
      readonly text: string;
    }
  | { readonly member: "arguments" | "input" | "code" };

/** By the event's type without `response.` and `.delta`. */
const PLACES: Readonly<Record<string, Place>> = {
  output_text: { list: "content", index: "content_index", part: "output_text", text: "text" },
  refusal: { list: "content", index: "content_index", part: "refusal", text: "refusal" },
  reasoning_text: { list: "content", index: "content_index", part: "reasoning_text", text: "text" },
  reasoning_summary_text: { list: "summary", index: "summary_index", part: "summary_text", text: "text" },
  function_call_arguments: { member: "arguments" },
  mcp_call_arguments: { member: "arguments" },
  custom_tool_call_input: { member: "input" },
  code_interpreter_call_code: { member: "code" },
};

/** What item a delta belongs to when the beginning of its item is missing. */
const ITEM_OF: Readonly<Record<string, string>> = {
  reasoning_text: "reasoning",
  reasoning_summary_text: "reasoning",
  function_call_arguments: "function_call",
  mcp_call_arguments: "mcp_call",
  custom_tool_call_input: "custom_tool_call",
  code_interpreter_call_code: "code_interpreter_call",
};

/** The item that an event about a missing one belongs to. */
export function missingItem(kind: string, id: Json | undefined): JsonObject {
  const type = Object.hasOwn(ITEM_OF, kind) ? ITEM_OF[kind]! : "message";
  return { type, ...(id === undefined ? {} : { id }), ...(type === "message" ? { role: "assistant" } : {}) };
}

/** Whether an event of this kind, its type without `response.` and `.delta` or `.done`, carries a piece of an item. */
export function isPiece(kind: string): boolean {
  return Object.hasOwn(PLACES, kind);
}

/** One item of the output while it grows. */
export class OpenItem {
  readonly tMs: number;
  readonly #start: JsonObject;
  readonly #lists = { content: new Map<number, JsonObject>(), summary: new Map<number, JsonObject>() };
  readonly #members: Record<string, string> = {};
  #whole: JsonObject | undefined;

  constructor(start: JsonObject, tMs: number) {
    this.#start = start;
    this.tMs = tMs;
    for (const list of ["content", "summary"] as const) {
      for (const [index, part] of asObjects(start[list]).entries()) this.#lists[list].set(index, part);
    }
  }

  /** The item as it is when it is done. */
  done(item: JsonObject): void {
    this.#whole = item;
  }

  /** A piece of text: `event` has it under `delta`, or, when `isWhole`, all of it under the name of what it is. */
  take(kind: string, event: JsonObject, isWhole: boolean): void {
    const place = PLACES[kind];
    if (place === undefined) return;
    if ("member" in place) {
      const said = isWhole
        ? asText(event[place.member])
        : this.#begun(place.member) + (asText(event["delta"]) ?? "");
      if (said !== undefined) this.#members[place.member] = said;
      return;
    }
    const index = asNumber(event[place.index]) ?? 0;
    const part = this.#lists[place.list].get(index) ?? { type: place.part };
    const said = isWhole
      ? asText(event[place.text])
      : (asText(part[place.text]) ?? "") + (asText(event["delta"]) ?? "");
    if (said !== undefined) this.#lists[place.list].set(index, { ...part, [place.text]: said });
  }

  item(): JsonObject {
    if (this.#whole !== undefined) return this.#whole;
    const lists = Object.entries(this.#lists).flatMap(([name, parts]) =>
      parts.size === 0 ? [] : [[name, [...parts].sort(([a], [b]) => a - b).map(([, part]) => part)] as const],
    );
    return { ...this.#start, ...this.#members, ...Object.fromEntries(lists) };
  }

  /** Opened and never filled: no client keeps or repeats it. */
  get isBlank(): boolean {
    const { content, summary } = this.#lists;
    return (
      this.#whole === undefined &&
      content.size === 0 &&
      summary.size === 0 &&
      ["message", "reasoning"].includes(asText(this.#start["type"]) ?? "")
    );
  }

  #begun(member: string): string {
    return this.#members[member] ?? asText(this.#start[member]) ?? "";
  }
}
