import type { ExchangeRecord, JsonObject } from "../../contract/plugin.ts";
import { asName, known, parseJson, asObject } from "../../protocols/loose.ts";
import { recordedHeaders } from "../../protocols/exchange-record.ts";
import { isCodexBackend } from "../../protocols/openai-endpoint.ts";
import { hasTurnMetadata, headerAttributes, metadataAttributes, turnMetadata } from "./turn-metadata.ts";

/** Codex, as far as a request says of itself. */
export interface Codex {
  readonly version?: string;
  /** `codex_exec`, `codex-tui`, … */
  readonly entrypoint?: string;
  /** The root thread: one run of the client, kept by resume. */
  readonly sessionId?: string;
  readonly threadId?: string;
  readonly parentThreadId?: string;
  readonly turnId?: string;
  /** `user`, `subagent`, `thread_title` */
  readonly threadSource?: string;
  /** `turn`, `compaction`, `prewarm` */
  readonly requestKind?: string;
  /** `collab_spawn`, `review`, … : only on requests that no person's thread makes. */
  readonly subagent?: string;
  /** What the client may do. */
  readonly sandbox?: string;
  readonly metadata: JsonObject;
  /** All that it says, for `attributes.codex`. */
  readonly attributes: JsonObject;
}

const USER_AGENT = /^([^/]+)\/([^/\s]+)/;
const PRODUCT = /^codex(?:\b|[-_\s])/i;

/** Of a request of Codex's. `body`: its own. */
export function codexOf(record: ExchangeRecord, body: JsonObject | undefined): Codex {
  const headers = recordedHeaders(record.request_headers);
  const metadata = turnMetadata(headers, body);
  const said = (name: string, header: string): string | undefined =>
    asName(metadata[name]) ?? asName(headers.get(header));
  const threadId = said("thread_id", "thread-id") ?? asName(headers.get("session-id"));
  const sessionId = said("session_id", "session-id");
  const parentThreadId = said("parent_thread_id", "x-codex-parent-thread-id");
  const [, product, version] = USER_AGENT.exec(headers.get("user-agent") ?? "") ?? [];
  const isOwn = product !== undefined && PRODUCT.test(product);
  return {
    metadata,
    attributes: {
      ...headerAttributes(headers),
      ...metadataAttributes(metadata),
      ...known({ thread_id: threadId, session_id: sessionId, parent_thread_id: parentThreadId }),
    },
    ...known({
      version: isOwn ? version : undefined,
      entrypoint: asName(headers.get("originator")) ?? (isOwn ? product : undefined),
      sessionId,
      threadId,
      parentThreadId,
      turnId: asName(metadata["turn_id"]),
      threadSource: asName(metadata["thread_source"]),
      requestKind: asName(metadata["request_kind"]),
      subagent: said("subagent", "x-openai-subagent") ?? asName(metadata["subagent_kind"]),
      sandbox: asName(metadata["sandbox_mode"]) ?? asName(metadata["sandbox"]),
    }),
  };
}

/** Whether a request has Codex's own header, wherever it goes. */
export function saysTurn(record: ExchangeRecord): boolean {
  return hasTurnMetadata(recordedHeaders(record.request_headers));
}

/**
 * Whether Codex sent it: what another program's headers say under the same names (`session-id`, `originator`) is not Codex's. One
 * that calls Codex's own backend without saying who it is counts as Codex.
 */
export function isCodex(record: ExchangeRecord): boolean {
  const headers = recordedHeaders(record.request_headers);
  if (hasTurnMetadata(headers) || headers.has("x-codex-window-id")) return true;
  const [, product] = USER_AGENT.exec(headers.get("user-agent") ?? "") ?? [];
  if (product !== undefined && PRODUCT.test(product)) return true;
  const originator = headers.get("originator");
  if (originator !== undefined) return PRODUCT.test(originator);
  return isCodexBackend(record) || record.provider === "chatgpt";
}

/** What the backend says of the account's limits. */
export function limitsOf(record: ExchangeRecord): JsonObject {
  const told = Object.entries(asObject(parseJson(record.response_headers)) ?? {}).filter(
    ([name]) => name.startsWith("x-codex-") && name !== "x-codex-turn-state",
  );
  return Object.fromEntries(told.map(([name, value]) => [name.slice("x-codex-".length), value]));
}
