import { hash } from "node:crypto";
import type { Json } from "../contract/projection.ts";
import { canonicalJson } from "../wire/canonical.ts";

/** SHA-256 of a value's JSON with sorted keys and no spaces: 64 hex digits. */
export function jsonDigest(value: Json): string {
  return hash("sha256", canonicalJson(value));
}

/** Names a conversation by its first message's content when the wire gives it no name: 16 hex digits. */
export function shortHash(content: Json): string {
  return jsonDigest(content).slice(0, 16);
}
