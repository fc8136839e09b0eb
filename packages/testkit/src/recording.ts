import type { Answer } from "./answer.ts";
import type { Coding } from "./coding.ts";
import type { Generation } from "./generation.ts";
import { decodeBody } from "./wire-request.ts";

/** One exchange as the fake provider saw it: the other side's account, to hold a recorder's rows against. */
export interface RecordedExchange {
  /** 1, 2, … in order of arrival. */
  readonly seq: number;
  /** Requests with the same number came over the same connection. */
  readonly connection: number;
  readonly method: string;
  /** Request target as it came, with query. */
  readonly target: string;
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: readonly string[];
  /** As it came, still encoded. */
  readonly body: Buffer;
  /** Absent for requests that generate nothing. */
  readonly generation: Generation | undefined;
  readonly answer: Answer | undefined;
  readonly response: RecordedResponse;
}

export interface RecordedResponse {
  status: number;
  /** As given to the HTTP layer, which adds Date, Connection and the framing. */
  rawHeaders: readonly string[];
  coding: Coding;
  /** Body bytes sent, encoded, without transfer framing. */
  chunks: Buffer[];
  /** `open` while it runs; `cut`: by directive; `aborted`: the peer went away first. */
  ending: "open" | "complete" | "cut" | "aborted";
}

/** First value of a header, whatever its spelling. */
export function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}

/** The request body, decoded and parsed. Throws when it is not JSON. */
export function requestJson(exchange: RecordedExchange): unknown {
  const coding = headerOf(exchange.rawHeaders, "content-encoding");
  return JSON.parse(decodeBody(exchange.body, coding).toString("utf8"));
}

/** The response body, decoded. Throws on a stream that was cut inside its encoding. */
export function responseText(exchange: RecordedExchange): string {
  return decodeBody(Buffer.concat(exchange.response.chunks), exchange.response.coding).toString("utf8");
}
