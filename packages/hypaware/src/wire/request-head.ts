import type { RawHeaders } from "../contract/frame.ts";
import { connectionFields, HOP_BY_HOP } from "./headers.ts";

export interface RequestHead {
  readonly method: string;
  /** Origin form. */
  readonly target: string;
  readonly headers: RawHeaders;
  /** The authority of whom it goes to. */
  readonly host: string;
  readonly isChunked: boolean;
  readonly isUpgrade: boolean;
}

/**
 * The head of a request as it goes to the next hop; each byte a character. Fields keep place, order and spelling, but for those of one
 * connection: Host is the next hop's, a kept connection is asked for by who asked us for one. Expect was answered by us.
 */
export function requestHead({ method, target, headers, host, isChunked, isUpgrade }: RequestHead): string {
  const named = connectionFields(headers);
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!;
    let value = headers[i + 1]!;
    const lower = name.toLowerCase();
    if (lower === "host") value = host;
    else if (lower === "connection") {
      if (isUpgrade) value = "Upgrade";
      else if (named.includes("keep-alive")) value = "keep-alive";
      else continue;
    } else if (lower === "upgrade") {
      if (!isUpgrade) continue;
    } else if (lower === "transfer-encoding") {
      if (!isChunked) continue;
    } else if (HOP_BY_HOP.has(lower) || named.includes(lower) || lower === "expect" || lower === "trailer")
      continue;
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}
