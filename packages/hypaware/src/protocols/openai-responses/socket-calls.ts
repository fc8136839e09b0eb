import type { CallSplitter, Json, SocketCall, SocketMessage } from "../../contract/plugin.ts";
import { asObject, parseJson } from "../loose.ts";

// Responses over a WebSocket: the client sends `{"type": "response.create", ...body}`, the server the events that it would stream
// over HTTP, one a message. Calls are answered in the order in which they were made.
//
// A call that names a previous response carries only what is new. Its whole input is what that response was given, then what it
// answered, then the new items: so each call reads as the same call over HTTP.

/** Responses whose input is remembered: a client goes on from the last one, and sometimes from one before. */
const REMEMBERED = 4;
const ENDS = new Set(["response.completed", "response.failed", "response.incomplete", "error"]);
const LEADING_TYPE = /^\s*\{\s*"type"\s*:\s*"([^"\\]*)"/;

interface Running {
  readonly body: { readonly [key: string]: Json | undefined };
  readonly input: readonly Json[];
  readonly startMs: number;
  readonly requestBytes: number;
  readonly events: SocketCall["events"][number][];
  readonly output: Json[];
  responseBytes: number;
  responseId: string | undefined;
}

export function splitResponsesSocket(): CallSplitter {
  return new ResponsesSocket();
}

class ResponsesSocket implements CallSplitter {
  /** Oldest first: the one that is being answered is the head. */
  readonly #running: Running[] = [];
  readonly #histories = new Map<string, readonly Json[]>();

  push(message: SocketMessage): readonly SocketCall[] {
    if (message.side === "server") return this.#answer(message);
    const call = this.#callOf(message);
    if (call !== undefined) this.#running.push(call);
    return [];
  }

  end(): readonly SocketCall[] {
    return this.#running
      .splice(0)
      .map((call) => callOf(call, call.events.at(-1)?.t_ms ?? call.startMs, false));
  }

  #callOf({ text, t_ms: startMs }: SocketMessage): Running | undefined {
    const sent = asObject(parseJson(text));
    if (sent?.["type"] !== "response.create") return undefined;
    const { type: _type, ...body } = sent;
    const previous = body["previous_response_id"];
    const before = typeof previous === "string" ? (this.#histories.get(previous) ?? []) : [];
    return {
      body,
      input: [...before, ...itemsOf(body["input"])],
      startMs,
      requestBytes: Buffer.byteLength(text),
      events: [],
      output: [],
      responseBytes: 0,
      responseId: undefined,
    };
  }

  #answer({ text, t_ms }: SocketMessage): readonly SocketCall[] {
    const [call] = this.#running;
    // What comes unasked belongs to no call.
    if (call === undefined) return [];
    const event = typeOf(text);
    call.events.push({ t_ms, event, data: text });
    call.responseBytes += Buffer.byteLength(text);
    if (event === "response.output_item.done") {
      const item = asObject(parseJson(text))?.["item"];
      if (item !== undefined) call.output.push(item);
    }
    if (event === "response.created") call.responseId = responseIdOf(text);
    if (!ENDS.has(event)) return [];
    this.#running.shift();
    if (event === "response.completed") this.#remember(call);
    return [callOf(call, t_ms, true)];
  }

  #remember({ responseId, input, output }: Running): void {
    if (responseId === undefined) return;
    this.#histories.set(responseId, [...input, ...output]);
    const [oldest] = this.#histories.keys();
    if (this.#histories.size > REMEMBERED && oldest !== undefined) this.#histories.delete(oldest);
  }
}

function callOf(call: Running, endMs: number, complete: boolean): SocketCall {
  return {
    request_body: JSON.stringify({ ...call.body, input: call.input }),
    events: call.events,
    start_ms: call.startMs,
    end_ms: endMs,
    request_bytes: call.requestBytes,
    response_bytes: call.responseBytes,
    complete,
  };
}

function itemsOf(input: Json | undefined): readonly Json[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return Array.isArray(input) ? (input as readonly Json[]) : [];
}

/** Servers write it first; an event that does not is parsed. */
function typeOf(text: string): string {
  const type = LEADING_TYPE.exec(text)?.[1] ?? asObject(parseJson(text))?.["type"];
  return typeof type === "string" ? type : "";
}

function responseIdOf(text: string): string | undefined {
  const id = asObject(asObject(parseJson(text))?.["response"])?.["id"];
  return typeof id === "string" ? id : undefined;
}
