import { createHash } from "node:crypto";
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { CapturedExchange } from "../contract/frame.ts";
import type { ExchangeFacts, Json } from "../contract/projection.ts";
import { canonicalJson } from "../wire/canonical.ts";
import { pathOf } from "../wire/target.ts";

const CACHE_MARKS: ReadonlySet<string> = new Set(["cache_control"]);
/** Bodies above this are compared as text: nobody's client moves its cache marks there. */
const CANONICAL_CHARS = 8 * 1024 * 1024;

/**
 * Equal for two attempts with the same request: method, path and body without cache marks, which move between attempts.
 * Undefined without a body: two equal reads are not a retry.
 */
export function requestDigest(record: ExchangeRecord): string | undefined {
  if (record.request_body === null) return undefined;
  const target = `${record.method ?? ""} ${pathOf(record.path ?? "")}\n`;
  return createHash("sha256")
    .update(target)
    .update(comparable(record.request_body))
    .digest("hex")
    .slice(0, 32);
}

/** Whether the client has reason to try again. A copy that is merely incomplete is no failure. */
export function hasFailed({ end, responseHead }: CapturedExchange, facts: ExchangeFacts | null): boolean {
  const reached = end.outcome === "complete" || end.outcome === "truncated";
  return !reached || (responseHead?.status ?? 0) >= 400 || facts?.error !== undefined;
}

function comparable(body: string): string {
  if (body.length > CANONICAL_CHARS) return body;
  try {
    return canonicalJson(JSON.parse(body) as Json, CACHE_MARKS);
  } catch {
    return body;
  }
}
