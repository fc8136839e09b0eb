import type { CapturedExchange, RawHeaders } from "../../contract/frame.ts";
import type { CliContext } from "../context.ts";
import { neutral } from "../neutral.ts";

/** A terminal gets text that cannot steer it; a file or a pipe gets the bytes. */
export function writeRaw(
  { stdout }: CliContext,
  { open, requestBody, responseHead, response, websocket = [], socketEvents = [] }: CapturedExchange,
): void {
  const write = (bytes: Buffer | string): void => {
    stdout.write(stdout.isTTY ? neutral(bytes.toString()) : bytes);
  };
  write(`${open.method} ${open.target} HTTP/${open.httpVersion}\r\n${headerLines(open.headers)}\r\n`);
  write(requestBody);
  for (const { side, bytes } of websocket) if (side === "client") write(bytes);
  if (responseHead === null) return;
  write(
    `\r\n\r\nHTTP/1.1 ${responseHead.status} ${responseHead.statusText}\r\n${headerLines(responseHead.headers)}\r\n`,
  );
  for (const { bytes } of response) write(bytes);
  for (const { data } of socketEvents) write(`${data}\n`);
  for (const { side, bytes } of websocket) if (side === "server") write(bytes);
}

function headerLines(headers: RawHeaders): string {
  let lines = "";
  for (let i = 0; i + 1 < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
