import { createHash } from "node:crypto";
import type { ProjectedRecord } from "../contract/exchange.ts";
import type { CapturedFacts } from "../contract/frame.ts";
import type { ExchangeFacts, Json } from "../contract/projection.ts";
import type { ThreadStore } from "../contract/thread.ts";
import { canonicalJson } from "../wire/canonical.ts";
import { pathOf } from "../wire/target.ts";

const CACHE_MARKS: ReadonlySet<string> = new Set(["cache_control"]);
/** Bodies above this are compared as text: nobody's client moves its cache marks there. */
const CANONICAL_CHARS = 8 * 1024 * 1024;

/** One attempt at a request, among those of its client. */
export interface Attempt {
  /** Where the same request is looked for. */
  readonly scope: string;
  readonly record: ProjectedRecord;
  readonly failed: boolean;
}

/** The failed exchange that this attempt repeats. Remembers whether this one failed. */
export function retriedBy(threads: ThreadStore, { scope, record, failed }: Attempt): string | undefined {
  // The digest reads the whole body, and most clients have no failure to come back to.
  if (!failed && !threads.hasFailedAttempts(scope)) return undefined;
  const digest = requestDigest(record);
  if (digest === undefined) return undefined;
  const retried = threads.failedAttempt(scope, digest);
  threads.rememberAttempt(scope, digest, record.exchange_id, failed);
  return retried;
}

/**
 * Equal for two attempts with the same request: method, path and body without cache marks, which move between attempts.
 * Undefined without a body: two equal reads are not a retry.
 */
function requestDigest(record: ProjectedRecord): string | undefined {
  if (record.request_body === null) return undefined;
  const target = `${record.method ?? ""} ${pathOf(record.path ?? "")}\n`;
  return createHash("sha256")
    .update(target)
    .update(comparable(record.request_body))
    .digest("hex")
    .slice(0, 32);
}

/** Whether the client has reason to try again. A copy that is merely incomplete is no failure. */
export function hasFailed({ end, responseHead }: CapturedFacts, facts: ExchangeFacts | null): boolean {
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
