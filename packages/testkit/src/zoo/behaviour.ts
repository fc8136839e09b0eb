import type { Socket } from "node:net";

/** How an answer ended for the client: by its own framing, by a break, or because the client left first. */
export type Ending = "whole" | "broken" | "left";

/** One request as a behaviour gets it: head read, and the upload too where `readsUpload` is not false. */
export interface Call {
  readonly socket: Socket;
  readonly query: URLSearchParams;
  /** Resolves after so many milliseconds, or earlier when the connection is gone. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface Visible {
  /** 0: no response head came. */
  readonly status: number;
  readonly ending: Ending;
  /** Body bytes, transfer framing removed. At least so many where the client leaves. */
  readonly bytes: number;
}

/** One way to meet a behaviour, and what must come of it. */
export interface Specimen {
  /** Without the question mark. */
  readonly query?: string;
  /** Default GET; POST with an upload. */
  readonly method?: "GET" | "HEAD";
  readonly uploadBytes?: number;
  /** The client goes away after so much of the body, or after so long without its end. */
  readonly leave?: { readonly afterBytes: number } | { readonly afterMs: number };
  /** One request after the other, each with the same result. Default 1. */
  readonly times?: number;
  /** What a client sees that speaks to the zoo itself. */
  readonly sees: Visible;
  /** What it sees through the gateway where that is not the same, with the reason. */
  readonly through?: Visible & { readonly because: string };
  readonly outcome: "complete" | "client_aborted" | "upstream_aborted" | "upstream_refused" | "truncated";
  /** A body that cannot be decoded. */
  readonly undecodable?: true;
  /** Server-sent events that the record must count. */
  readonly events?: number;
}

/** Something an upstream does, at `/zoo/<name>`. */
export interface Behaviour {
  readonly name: string;
  /** Default true. */
  readonly readsUpload?: false;
  /** Writes the answer. The connection is kept unless it ends or breaks it. */
  readonly serve: (call: Call) => void | Promise<void>;
  readonly specimens: readonly Specimen[];
}

/** A head with its empty line; bytes as latin1. */
export function head(status: string, ...lines: readonly string[]): Buffer {
  return Buffer.from(`${[`HTTP/1.1 ${status}`, ...lines].join("\r\n")}\r\n\r\n`, "latin1");
}

/** A whole answer of a known length. */
export function sized(status: string, body: Buffer | string, ...lines: readonly string[]): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([head(status, ...lines, `Content-Length: ${bytes.length}`), bytes]);
}

/** One chunk of chunked coding. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export const LAST_CHUNK = "0\r\n\r\n";
export const JSON_TYPE = "Content-Type: application/json";
export const SSE_TYPE = "Content-Type: text/event-stream";
export const CHUNKED = "Transfer-Encoding: chunked";

/** Of a length that no buffer hides by chance. */
export const JSON_BODY = JSON.stringify({ animals: Array.from({ length: 40 }, (_, i) => `animal-${i}`) });
