import { createHash } from "node:crypto";
import type { Json } from "../contract/projection.ts";
import { canonicalJson } from "../wire/canonical.ts";

/** Names a conversation by its first message's content when the wire gives it no name: 16 hex digits. */
export function shortHash(content: Json): string {
  return createHash("sha256").update(canonicalJson(content)).digest("hex").slice(0, 16);
}
