import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { RawHeaders } from "../contract/frame.ts";
import { fieldLines } from "../wire/head-fields.ts";

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

/** A head as it is on the wire, nothing added. */
export function headBytes(status: number, statusText: string, headers: RawHeaders): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} ${statusText}\r\n${fieldLines(headers)}\r\n`, "latin1");
}

/** For what never became a request: malformed, too long, CONNECT. Closes the connection. */
export function sendRawAnswer(socket: Socket, answer: OwnAnswer): void {
  socket.write(headBytes(answer.status, answer.statusText, ["connection", "close", ...answer.headers]));
  socket.write(answer.body);
  socket.destroySoon();
}
