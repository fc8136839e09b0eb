import { LIMITS } from "../contract/limits.ts";
import type { Json, JsonObject } from "../contract/projection.ts";

/** Shapes of credentials. Open-ended on the right, so that one that was cut off is still recognised. */
const CREDENTIALS = new RegExp(
  [
    String.raw`\bbearer\s+[\w.~+/=-]{6,}`,
    String.raw`\bbasic\s+[\w+/]{16,}={0,2}`,
    String.raw`\bsk-[\w-]{8,}`,
    String.raw`\bAIza[\w-]{10,}`,
    String.raw`\bAQ\.[\w-]{20,}`,
    String.raw`\bya29\.[\w-]{10,}`,
    String.raw`\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}`, // JSON Web Token
    String.raw`\bgh[a-z]_\w{10,}`,
    String.raw`\bgithub_pat_\w{10,}`,
    String.raw`\bxox[a-z]-[\w-]{8,}`,
    String.raw`\bAKIA[0-9A-Z]{12,}`,
    String.raw`(?<=://)[^/\s@]{1,200}(?=@)`, // user:password in a URL
  ].join("|"),
  "gi",
);
const SECRET_KEY = /^(?:.*_)?(?:authorization|cookie|password|secret|api_key|token)$/;
const STATUSES: ReadonlySet<Json | undefined> = new Set(["ok", "failed", "skipped", "degraded"]);

export function scrubText(text: string): string {
  const clean = text.slice(0, LIMITS.logScrubChars).replace(CREDENTIALS, "[redacted]");
  return clean.length > LIMITS.logStringChars ? `${clean.slice(0, LIMITS.logStringChars - 1)}…` : clean;
}

function snakeCase(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^a-zA-Z0-9]+/g, "_")
    .toLowerCase();
}

function scrubValue(key: string, value: Json): Json {
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  if (SECRET_KEY.test(key)) return "[redacted]";
  return scrubText(typeof value === "string" ? value : JSON.stringify(value));
}

/**
 * Fields as they may be logged: snake_case keys, bounded in number and length, no credentials. `status` keeps to
 * ok, failed, skipped, degraded; any other value moves to `status_text`.
 */
export function scrubFields(fields: JsonObject): JsonObject {
  const out: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields).slice(0, LIMITS.logFields)) {
    if (value === undefined) continue;
    const snake = snakeCase(name);
    const key = snake === "status" && !STATUSES.has(value) ? "status_text" : snake;
    out[key] = scrubValue(key, value);
  }
  return out;
}
