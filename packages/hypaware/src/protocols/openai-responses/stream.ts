// An answer put together from its stream: response.created, then per item of the output response.output_item.added, deltas,
// response.output_item.done, then response.completed (or .incomplete, .failed) with the whole response. A stream may break off
// anywhere and begin anywhere (a gap in our copy); what came is kept. Events that are not known are passed over: the journal has
// them. Over a WebSocket the same events come as messages.
import type { StreamEvent } from "../../contract/exchange.ts";
import type { JsonObject } from "../../contract/projection.ts";
import { asName, asNumber, asObject, known, parseJson } from "../loose.ts";
import { readError } from "../openai-error.ts";
import { type Answer, type AnswerItem, readResponse } from "./answer.ts";
import { readItem } from "./item.ts";
import { isPiece, missingItem, OpenItem } from "./open-item.ts";

/** `undefined` when no event said anything of an answer. */
export function readStream(events: readonly StreamEvent[]): Answer | undefined {
  const stream = new AnswerStream();
  for (const { event: name, data, t_ms } of events) {
    const event = asObject(parseJson(data));
    if (event !== undefined) stream.take(asName(event["type"]) ?? name, event, t_ms);
  }
  return stream.answer();
}

const STATES = new Set(["response.created", "response.queued", "response.in_progress"]);
const ENDS = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
  "response.done",
]);
const PIECE = /^response\.(.+)\.(delta|done)$/;

class AnswerStream {
  readonly #items = new Map<number, OpenItem>();
  readonly #indexes = new Map<string, number>();
  #seen = false;
  #response: JsonObject | undefined;
  #ended = false;
  #error: string | undefined;

  take(type: string, event: JsonObject, tMs: number): void {
    if (STATES.has(type)) {
      this.#response ??= asObject(event["response"]);
    } else if (ENDS.has(type)) {
      this.#response = asObject(event["response"]) ?? this.#response;
      this.#ended = true;
    } else if (type === "response.output_item.added" || type === "response.output_item.done") {
      this.#item(event, type.endsWith("done"), tMs);
    } else if (type === "error") {
      this.#error = readError({ ...event, type: "error" });
    } else {
      const [, kind, state] = PIECE.exec(type) ?? [];
      if (kind === undefined || !isPiece(kind)) return;
      const open = this.#open(event, missingItem(kind, event["item_id"]), tMs);
      open.take(kind, event, state === "done");
    }
    this.#seen = true;
  }

  answer(): Answer | undefined {
    if (!this.#seen) return undefined;
    const { items: whole, error, ...head } = readResponse(this.#response ?? {});
    return {
      ...head,
      items: this.#allItems(whole),
      isPartial: !this.#ended && this.#error === undefined,
      ...known({ error: this.#error ?? error }),
    };
  }

  /** What the last event repeats of the output counts; some servers leave it out there. */
  #allItems(whole: readonly AnswerItem[]): readonly AnswerItem[] {
    const indexes = new Set([...this.#items.keys(), ...whole.keys()]);
    return [...indexes]
      .sort((a, b) => a - b)
      .flatMap((index) => {
        const open = this.#items.get(index);
        const item =
          whole[index]?.item ?? (open === undefined || open.isBlank ? undefined : readItem(open.item()));
        return item === undefined ? [] : [{ item, ...known({ tMs: open?.tMs }) }];
      });
  }

  #item(event: JsonObject, isDone: boolean, tMs: number): void {
    const item = asObject(event["item"]);
    if (item === undefined) return;
    const open = this.#open({ ...event, item_id: item["id"] }, item, tMs);
    if (isDone) open.done(item);
  }

  /** The item that an event speaks of, else a new one that begins as `start`. */
  #open(event: JsonObject, start: JsonObject, tMs: number): OpenItem {
    const id = asName(event["item_id"]);
    const named = id === undefined ? undefined : this.#indexes.get(id);
    const index = asNumber(event["output_index"]) ?? named ?? (id === undefined ? 0 : this.#items.size);
    if (id !== undefined) this.#indexes.set(id, index);
    let open = this.#items.get(index);
    if (open === undefined) this.#items.set(index, (open = new OpenItem(start, tMs)));
    return open;
  }
}
