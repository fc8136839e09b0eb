import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { ResponseReader } from "./response-reader.ts";
import type { RawResponse } from "./response-reader.ts";

export type { RawResponse } from "./response-reader.ts";

/** A TCP connection that shows exactly what it received and when. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far. */
  received(): Buffer;
  /** Resolves when the peer ended or broke the connection. */
  readonly closed: Promise<"ended" | "broken">;
}

/** Rejects when the connection cannot be made. */
export async function openRaw(host: string, port: number): Promise<RawConnection> {
  const socket = connect(port, host);
  socket.setNoDelay(true);
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(piece));
  const closed = new Promise<"ended" | "broken">((resolve) => {
    socket.once("end", () => resolve("ended"));
    socket.once("error", () => resolve("broken"));
    socket.once("close", () => resolve("broken"));
  });
  await once(socket, "connect");
  return { socket, received: () => Buffer.concat(pieces), closed };
}

/** Reads one response from bytes that hold nothing else. Throws when they are no HTTP/1.1 response. */
export function parseResponse(bytes: Buffer, method = "GET"): RawResponse {
  const reader = new ResponseReader(method);
  reader.push(bytes);
  return reader.response();
}

export interface PostedMessage extends RawResponse {
  /** `Date.now()` when the last byte of a complete response arrived; undefined when it did not. */
  readonly completedAt: number | undefined;
  /** Why there is no complete response. */
  readonly failure: string | undefined;
}

/** Sends bytes on a connection of their own and reads one response. Never rejects: a failure is part of the result. */
export function exchangeRaw(
  target: { readonly host: string; readonly port: number },
  method: string,
  bytes: Buffer,
  timeoutMs = 30_000,
): Promise<PostedMessage> {
  return new Promise((resolve) => {
    const reader = new ResponseReader(method);
    const socket = connect(target.port, target.host);
    const finish = (completedAt: number | undefined, failure: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...reader.response(), completedAt, failure });
    };
    const timer = setTimeout(() => finish(undefined, `no answer in ${timeoutMs} ms`), timeoutMs);
    socket.setNoDelay(true);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (piece) => {
      try {
        reader.push(piece);
      } catch (error) {
        finish(undefined, String(error));
        return;
      }
      if (reader.done) finish(Date.now(), undefined);
    });
    socket.on("error", (error) => finish(undefined, error.message));
    socket.on("close", () => finish(undefined, "closed before the end"));
  });
}

export interface MessageOptions {
  readonly sessionId?: string;
  readonly stream?: boolean;
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One Messages request with one user text, the way a small program would send it. */
export function postMessage(
  url: string,
  prompt: string,
  options: MessageOptions = {},
): Promise<PostedMessage> {
  const { hostname, port, host } = new URL(url);
  const body = JSON.stringify({
    model: "claude-opus-5-5",
    max_tokens: 1024,
    stream: options.stream ?? true,
    messages: [{ role: "user", content: prompt }],
  });
  const head = [
    "POST /v1/messages?beta=true HTTP/1.1",
    `Host: ${host}`,
    "Content-Type: application/json",
    "anthropic-version: 2023-06-01",
    "x-api-key: sk-ant-test-key-of-the-testkit",
    "User-Agent: claude-cli/2.1.330 (external, sdk-cli)",
    ...(options.sessionId === undefined ? [] : [`X-Claude-Code-Session-Id: ${options.sessionId}`]),
    ...Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
  return exchangeRaw({ host: hostname, port: Number(port) }, "POST", bytes, options.timeoutMs);
}
