import { LIMITS } from "../contract/limits.ts";

// Which header values may be recorded. A safe-list: a name that is not here is redacted, whoever invented it.
// Names of credentials win over everything, so that a safe prefix never lets a token through.

const KEPT_NAMES = new Set(
  `accept age alt-svc allow apim-request-id cache-control cf-cache-status cf-ray connection date etag expect expires
   host keep-alive last-modified location max-forwards oai-product-sku origin originator pragma referer request-id
   retry-after retry-after-ms sec-websocket-extensions sec-websocket-protocol sec-websocket-version server server-timing
   session-id strict-transport-security te thread-id traceparent trailer transfer-encoding upgrade user-agent vary version
   via x-amzn-requestid x-app x-client-name x-client-request-id x-client-version x-content-type-options x-frame-options
   x-goog-api-client x-hyp-dev-run-id x-initiator x-models-etag x-ms-region x-parent-session-id x-powered-by x-request-id
   x-robots-tag x-session-affinity x-session-id x-should-retry x-trace-id x-xss-protection`.split(/\s+/),
);

const KEPT_PREFIXES = [
  "accept-",
  "access-control-",
  "anthropic-",
  "content-",
  "if-",
  "openai-",
  "sec-ch-ua",
  "sec-fetch-",
  "x-amzn-bedrock-",
  "x-claude-",
  "x-codex-",
  "x-envoy-",
  "x-gemini-",
  "x-oai-",
  "x-openai-",
  "x-opencode-",
  "x-stainless-",
];

const CREDENTIAL_NAMES = new Set([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "anthropic-api-key",
  "api-key",
  "x-goog-api-key",
  "cookie",
  "set-cookie",
  "chatgpt-account-id",
  "sec-websocket-key",
  "key",
  "sig",
  "pass",
  "pwd",
  "x-amz-credential",
  "x-goog-credential",
]);

const CREDENTIAL_WORD =
  /(^|-)(api-?key|access-?key|private-?key|secret-?key|subscription-?key|token|secret|auth|authorization|authentication|bearer|credentials?|password|passwd|passphrase|cookie|jwt|assertion|signature)$/;

/** Cursors of paged lists are called tokens too, and are none. */
const CURSOR_NAME = /^(next-)?page-token$/;

/** `name` of a header or of a query parameter, any case; `_` and camelCase count as `-`. */
export function namesCredential(name: string): boolean {
  return remembered(credentials, name, isCredential);
}

function isCredential(name: string): boolean {
  const lower = name.toLowerCase();
  if (CREDENTIAL_NAMES.has(lower)) return true;
  const dashed = name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
  const ends = CREDENTIAL_WORD.test(dashed) || (lower !== dashed && CREDENTIAL_WORD.test(lower));
  return ends && !CURSOR_NAME.test(dashed);
}

/** Its value is recorded; is a credential; or is not recorded, because nobody knows what it is. */
export type HeaderKind = "kept" | "credential" | "unknown";

/** The same names come with every exchange. Those beyond the bound are looked at anew each time. */
const kinds = new Map<string, HeaderKind>();
const credentials = new Map<string, boolean>();

/** `lower`: a header name in lower case. */
export function headerKind(lower: string): HeaderKind {
  return remembered(kinds, lower, kindOf);
}

function kindOf(lower: string): HeaderKind {
  if (namesCredential(lower)) return "credential";
  return isKept(lower) ? "kept" : "unknown";
}

function remembered<T>(known: Map<string, T>, name: string, find: (name: string) => T): T {
  let value = known.get(name);
  if (value !== undefined) return value;
  value = find(name);
  if (known.size < LIMITS.knownHeaderNames) known.set(name, value);
  return value;
}

function isKept(lower: string): boolean {
  return (
    KEPT_NAMES.has(lower) ||
    KEPT_PREFIXES.some((prefix) => lower.startsWith(prefix)) ||
    lower.includes("ratelimit")
  );
}
