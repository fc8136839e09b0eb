// An answer put together from its stream: message_start, then per block content_block_start, deltas, content_block_stop, then
// message_delta with the end of usage, and message_stop. A stream may break off anywhere and begin anywhere (a gap in our copy);
// what came is kept. Event types and deltas that are not known are passed over: the journal has them.
import type { StreamEvent } from "../../contract/exchange.ts";
import type { EventText } from "../../wire/event-stream.ts";
import type { Json, JsonObject } from "../../contract/projection.ts";
import { asName, asNumber, asObject, asText, known, parseJson } from "../loose.ts";
import { type Answer, type AnswerBlock, readError } from "./answer.ts";
import { UsageTally } from "./usage.ts";

/** Most events of a stream, as the provider writes them: a piece of text. The others are parsed; so is what only looks alike. */
const TEXT =
  /^\{"type":"content_block_delta","index":(?:0|[1-9]\d{0,2}),"delta":\{"type":"text_delta","text":"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[ !#-[\]-\uffff]*)*"\} *\} *$/;
const INDEX_AT = '{"type":"content_block_delta","index":'.length;
const FROM_INDEX_TO_TEXT = ',"delta":{"type":"text_delta","text":'.length;
const BLOCK = /event: [^\n]*\ndata: ([^\n]*)\n\n/y;
/** The rest of one with a piece of text, behind the quote that begins it; nothing in it is escaped. */
const PLAIN_BLOCK = /[ !#-[\]-\uffff]*"\} *\} *\n\n/y;

/** `undefined` when no event said anything of an answer. */
export function readStream(events: readonly StreamEvent[]): Answer | undefined {
  const stream = new AnswerStream();
  for (const { data, t_ms } of events) {
    const piece = textPiece(data);
    if (piece === undefined) stream.parse(data, t_ms);
    else stream.text(piece.index, piece.text, t_ms);
  }
  return stream.answer();
}

/** As `readStream`, from the text. `undefined` also when it holds anything but blocks of a name and one line of data. */
export function readStreamText({ text, timeAt, counted }: EventText): Answer | undefined {
  const stream = new AnswerStream();
  let count = 0;
  for (let at = 0; at < text.length; count++) {
    BLOCK.lastIndex = at;
    const data = BLOCK.exec(text)?.[1];
    if (data === undefined) return undefined;
    const end = BLOCK.lastIndex;
    const tMs = timeAt(end);
    const piece = textPiece(data);
    if (piece === undefined) {
      stream.parse(data, tMs);
      at = end;
      continue;
    }
    // Most blocks are as the one before, but for their text.
    const head = text.slice(at, end - 2 - data.length + piece.quote + 1);
    let said = piece.text;
    for (at = end; text.slice(at, at + head.length) === head; at = PLAIN_BLOCK.lastIndex, count++) {
      const from = (PLAIN_BLOCK.lastIndex = at + head.length);
      if (!PLAIN_BLOCK.test(text)) break;
      said += text.slice(from, text.indexOf('"', from));
    }
    stream.text(piece.index, said, tMs);
  }
  counted(count);
  return stream.answer();
}

/** `undefined`: to be parsed. `quote`: where its text begins. */
function textPiece(data: string): { index: number; text: string; quote: number } | undefined {
  if (!TEXT.test(data)) return undefined;
  const indexEnd = data.indexOf(",", INDEX_AT);
  const quote = indexEnd + FROM_INDEX_TO_TEXT;
  const quoted = data.slice(quote, data.lastIndexOf('"') + 1);
  const text = quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  return { index: Number(data.slice(INDEX_AT, indexEnd)), text, quote };
}

class AnswerStream {
  readonly #blocks = new Map<number, OpenBlock>();
  readonly #tally = new UsageTally();
  #seen = false;
  #head: JsonObject | undefined;
  #stopReason: string | undefined;
  #stopped = false;
  #error: string | undefined;

  take(event: JsonObject, tMs: number): void {
    const type = event["type"];
    if (type === "message_start") {
      this.#head ??= asObject(event["message"]);
      this.#tally.add(asObject(asObject(event["message"])?.["usage"]));
      this.#stopReason ??= asName(this.#head?.["stop_reason"]);
    } else if (type === "content_block_start") {
      const block = asObject(event["content_block"]);
      if (block !== undefined) this.#blocks.set(indexOf(event), new OpenBlock(block, tMs));
    } else if (type === "content_block_delta") {
      this.#delta(indexOf(event), asObject(event["delta"]), tMs);
    } else if (type === "message_delta") {
      this.#stopReason = asName(asObject(event["delta"])?.["stop_reason"]) ?? this.#stopReason;
      this.#tally.add(asObject(event["usage"]));
    } else if (type === "message_stop") {
      this.#stopped = true;
    } else if (type === "error") {
      this.#error = readError(event);
    } else {
      return;
    }
    this.#seen = true;
  }

  parse(data: string, tMs: number): void {
    const event = asObject(parseJson(data));
    if (event !== undefined) this.take(event, tMs);
  }

  /** As `take` of a text_delta. */
  text(index: number, text: string, tMs: number): void {
    this.#seen = true;
    this.#open(index, "text", tMs).append("text", text);
  }

  answer(): Answer | undefined {
    if (!this.#seen) return undefined;
    const blocks = [...this.#blocks]
      .sort(([a], [b]) => a - b)
      .map(([, open]): AnswerBlock => ({ block: open.block(), tMs: open.tMs }));
    return {
      role: "assistant",
      blocks,
      isPartial: !this.#stopped && this.#stopReason === undefined,
      details: this.#tally.details,
      ...known({
        id: asName(this.#head?.["id"]),
        model: asName(this.#head?.["model"]),
        stopReason: this.#stopReason,
        usage: this.#tally.usage,
        error: this.#error,
      }),
    };
  }

  #delta(index: number, delta: JsonObject | undefined, tMs: number): void {
    if (delta === undefined) return;
    const type = BLOCK_OF_DELTA.get(delta["type"]);
    const open = type === undefined ? this.#blocks.get(index) : this.#open(index, type, tMs);
    open?.delta(delta);
  }

  /** The block that is there, else a new one of this type: its beginning is missing. */
  #open(index: number, type: string, tMs: number): OpenBlock {
    let open = this.#blocks.get(index);
    if (open === undefined) this.#blocks.set(index, (open = new OpenBlock({ type }, tMs)));
    return open;
  }
}

/** What a delta belongs to when the beginning of its block is missing. */
const BLOCK_OF_DELTA = new Map<Json | undefined, string>([
  ["text_delta", "text"],
  ["citations_delta", "text"],
  ["thinking_delta", "thinking"],
  ["signature_delta", "thinking"],
  ["input_json_delta", "tool_use"],
]);

/** One content block while it grows. */
class OpenBlock {
  readonly tMs: number;
  readonly #start: JsonObject;
  readonly #texts: Record<string, string> = {};
  readonly #citations: Json[] = [];
  #inputJson = "";

  constructor(start: JsonObject, tMs: number) {
    this.#start = start;
    this.tMs = tMs;
  }

  delta(delta: JsonObject): void {
    const type = delta["type"];
    if (type === "text_delta") this.append("text", asText(delta["text"]) ?? "");
    else if (type === "thinking_delta") this.append("thinking", asText(delta["thinking"]) ?? "");
    else if (type === "signature_delta") this.#texts["signature"] = asText(delta["signature"]) ?? "";
    else if (type === "input_json_delta") this.#inputJson += asText(delta["partial_json"]) ?? "";
    else if (type === "citations_delta" && delta["citation"] !== undefined)
      this.#citations.push(delta["citation"]);
  }

  append(name: "text" | "thinking", text: string): void {
    const begun = this.#texts[name] ?? asText(this.#start[name]) ?? "";
    this.#texts[name] = begun + text;
  }

  block(): JsonObject {
    const earlier = this.#start["citations"];
    const citations = [...(Array.isArray(earlier) ? (earlier as readonly Json[]) : []), ...this.#citations];
    return {
      ...this.#start,
      ...this.#texts,
      ...(this.#citations.length > 0 ? { citations } : {}),
      ...this.#input(),
    };
  }

  /** Of a call that broke off the text as it is; of one without arguments what the block began with. */
  #input(): JsonObject {
    if (this.#inputJson === "") return {};
    return { input: parseJson(this.#inputJson) ?? this.#inputJson };
  }
}

function indexOf(event: JsonObject): number {
  return asNumber(event["index"]) ?? 0;
}
