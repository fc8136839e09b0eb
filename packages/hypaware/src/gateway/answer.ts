import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { RawHeaders } from "../contract/frame.ts";

/** An answer that the gateway itself gives. */
export interface OwnAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
  readonly body: Buffer;
}

/** `headers`: beside content-type and content-length. */
export function ownAnswer(
  status: number,
  body: { readonly error: string; readonly [field: string]: string },
  headers: RawHeaders = [],
): OwnAnswer {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  return {
    status,
    statusText: STATUS_CODES[status] ?? "",
    headers: ["content-type", "application/json", "content-length", String(bytes.length), ...headers],
    body: bytes,
  };
}

export function sendAnswer(response: ServerResponse, answer: OwnAnswer): void {
  response.sendDate = false;
  response.writeHead(answer.status, answer.statusText, [...answer.headers]);
  response.end(answer.body);
}

/** For what never became a request: malformed, too long, CONNECT. Closes the connection. */
export function sendRawAnswer(socket: Socket, answer: OwnAnswer): void {
  const lines = [`HTTP/1.1 ${answer.status} ${answer.statusText}`, "connection: close"];
  for (let i = 0; i + 1 < answer.headers.length; i += 2) {
    lines.push(`${answer.headers[i]}: ${answer.headers[i + 1]}`);
  }
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  socket.write(answer.body);
  socket.destroySoon();
}
