import { gunzipSync, inflateSync, brotliDecompressSync, zstdDecompressSync } from "node:zlib";

/** What the fake model looks at in a Messages request. Anything else in the body is recorded, not read. */
export interface WireBlock {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface WireMessage {
  readonly role: string;
  readonly content: string | readonly WireBlock[];
}

export interface WireRequest {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly WireMessage[];
  readonly tools?: readonly { readonly name: string }[];
  readonly thinking?: { readonly type?: string };
  readonly output_config?: { readonly format?: { readonly schema?: JsonSchema } };
}

/** As much of JSON Schema as a request for structured output uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** A string is one text block, as in the provider's own reading. */
export function blocksOf(message: WireMessage): readonly WireBlock[] {
  return typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
}

/** Text of the text blocks, joined by newlines. */
export function textOf(message: WireMessage): string {
  return blocksOf(message)
    .filter((block) => block.type === "text")
    .map((block) => String(block["text"]))
    .join("\n");
}

/** Undoes one content coding. Throws on an unknown coding and on damaged bytes. */
export function decodeBody(bytes: Buffer, coding: string | undefined): Buffer {
  switch (coding) {
    case undefined:
    case "":
    case "identity":
      return bytes;
    case "gzip":
      return gunzipSync(bytes);
    case "deflate":
      return inflateSync(bytes);
    case "br":
      return brotliDecompressSync(bytes);
    case "zstd":
      return zstdDecompressSync(bytes);
    default:
      throw new Error(`unknown content coding ${coding}`);
  }
}

/** Throws when the body is not an object in JSON. */
export function parseRequest(bytes: Buffer): WireRequest {
  const value: unknown = JSON.parse(bytes.toString("utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not an object");
  return value;
}
