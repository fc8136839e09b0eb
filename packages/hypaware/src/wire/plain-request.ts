import { METHODS } from "node:http";
import type { RawHeaders } from "../contract/frame.ts";
import { LIMITS } from "../contract/limits.ts";
import { isHeadText, readFields } from "./head-fields.ts";

// The requests that agents send by the million are alike: HTTP/1.1, a path, a head that comes in one piece, a body of known length or
// none. They are read here. Whatever else a client may send, and whatever is in doubt, is left to a complete parser, byte for byte.

/** The head of such a request. */
export interface PlainRequest {
  readonly method: string;
  /** Origin form. */
  readonly target: string;
  readonly headers: RawHeaders;
  /** Bytes of the head, the empty line among them. */
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** The client said that it is its last one. */
  readonly isLast: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const REQUEST_LINE = /^([A-Z-]+) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/;
const LENGTH = /^\d{1,15}$/;
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== "CONNECT"));

/** `undefined`: it is none, or its head is not whole. */
export function readPlainRequest(bytes: Buffer): PlainRequest | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1 || end + HEAD_END.length > LIMITS.headerBytes) return undefined;
  const text = bytes.toString("latin1", 0, end + 2);
  const line = REQUEST_LINE.exec(text);
  if (line === null || !isHeadText(text)) return undefined;
  const [{ length: start }, method, target] = line;
  const headers = readFields(text, start);
  if (headers === undefined || method === undefined || target === undefined) return undefined;
  if (!KNOWN_METHODS.has(method)) return undefined;
  let bodyBytes: number | undefined;
  let isLast = false;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    switch (headers[i]!.toLowerCase()) {
      case "content-length":
        if (bodyBytes !== undefined || !LENGTH.test(value)) return undefined;
        bodyBytes = Number(value);
        break;
      case "connection": {
        const option = value.toLowerCase();
        if (option !== "close" && option !== "keep-alive") return undefined;
        isLast ||= option === "close";
        break;
      }
      case "proxy-connection":
      case "transfer-encoding":
      case "expect":
      case "upgrade":
        return undefined;
      default:
    }
  }
  return { method, target, headers, headBytes: end + HEAD_END.length, bodyBytes: bodyBytes ?? 0, isLast };
}
