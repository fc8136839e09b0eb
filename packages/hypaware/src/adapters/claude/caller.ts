import type { ExchangeRecord, JsonObject } from "../../contract/plugin.ts";
import { type MessagesRequest, readRequest } from "../../protocols/anthropic/request.ts";
import { type RecordedHeaders, recordedHeaders } from "../../protocols/exchange-record.ts";
import { asName, asObject, known, parseJson } from "../../protocols/loose.ts";

/** Who sent a request, as far as it says so. */
export interface Caller {
  /** False only of a probe. */
  readonly isClaudeCode: boolean;
  /** Claude Code's session: one run of the client, kept by resume. */
  readonly sessionId?: string;
  /** Only on a subagent's requests. */
  readonly agentId?: string;
  /** The agent that began it, where that is none of the main thread. */
  readonly parentAgentId?: string;
  readonly promptId?: string;
  readonly accountId?: string;
  readonly version?: string;
  /** `external` */
  readonly userType?: string;
  /** `cli`, `sdk-cli`, … */
  readonly entrypoint?: string;
  /** What the client itself calls the request: `main`, `subagent`, `compaction`. */
  readonly requestClass?: string;
  /** Its other hints for gateways, by header name without `x-claude-code-`. */
  readonly hints: JsonObject;
}

/** `claude-cli/2.1.330 (external, sdk-cli)`; `claude-code/2.1.330` when it lists models. */
const USER_AGENT = /^claude-(?:cli|code)\/([^/\s]+)(?:\s+\(([^,)]*)(?:,\s*([^,)]*))?)?/;
const ENTRYPOINT = /^x-anthropic-billing-header:.*\bcc_entrypoint=([^;\s]+)/s;
const OLD_USER_ID = /^user_.*?_account_(.*?)_session_(.+)$/s;
const HINT = "x-claude-code-";
const NAMED_HINTS = new Set(["session-id", "agent-id", "parent-agent-id", "prompt-id", "request-class"]);

export function callerOf(record: ExchangeRecord, request: MessagesRequest | undefined): Caller {
  const headers = recordedHeaders(record.request_headers);
  const hint = (name: string): string | undefined => asName(headers.get(HINT + name));
  const [agent, version, userType, entrypoint] = USER_AGENT.exec(headers.get("user-agent") ?? "") ?? [];
  const user = userOf(asName(request?.metadata?.["user_id"]));
  const sessionId = hint("session-id") ?? user.sessionId;
  return {
    isClaudeCode: agent !== undefined || sessionId !== undefined,
    hints: hintsOf(headers),
    ...known({
      sessionId,
      agentId: hint("agent-id"),
      parentAgentId: hint("parent-agent-id"),
      promptId: hint("prompt-id"),
      accountId: user.accountId,
      version,
      userType: asName(userType),
      entrypoint: billedEntrypoint(request) ?? asName(entrypoint),
      requestClass: hint("request-class"),
    }),
  };
}

/** Whether a request is the client's: by what it calls itself, else by a session that nobody else names so. */
export function isClaudeCode(record: ExchangeRecord): boolean {
  const headers = recordedHeaders(record.request_headers);
  if (USER_AGENT.test(headers.get("user-agent") ?? "")) return true;
  if (asName(headers.get(`${HINT}session-id`)) !== undefined) return true;
  const metadata = readRequest(record)?.metadata;
  return userOf(asName(metadata?.["user_id"])).sessionId !== undefined;
}

interface User {
  readonly sessionId?: string | undefined;
  readonly accountId?: string | undefined;
}

/** JSON text; before that `user_<device>_account_<account>_session_<session>`. Other programs put anything there. */
function userOf(userId: string | undefined): User {
  if (userId === undefined) return {};
  const object = asObject(parseJson(userId));
  if (object !== undefined) {
    return { sessionId: asName(object["session_id"]), accountId: asName(object["account_uuid"]) };
  }
  const [, account, session] = OLD_USER_ID.exec(userId) ?? [];
  return { sessionId: session, accountId: asName(account) };
}

/** The client names its entry point in a system block that looks like a header. */
function billedEntrypoint(request: MessagesRequest | undefined): string | undefined {
  for (const text of request?.systemTexts ?? []) {
    const entrypoint = ENTRYPOINT.exec(text)?.[1];
    if (entrypoint !== undefined) return entrypoint;
  }
  return undefined;
}

function hintsOf(headers: RecordedHeaders): JsonObject {
  const hints = [...headers].filter(
    ([name]) => name.startsWith(HINT) && !NAMED_HINTS.has(name.slice(HINT.length)),
  );
  return Object.fromEntries(hints.map(([name, value]) => [name.slice(HINT.length), value]));
}
