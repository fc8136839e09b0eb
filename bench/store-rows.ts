// The rows of `store-million.ts`: what projection writes for a year of agent sessions, from a fixed seed. Three sessions run
// at a time, with 200 exchanges each; an exchange makes four messages of one part. Texts have 0.2 to 8 KB, a third repeat; each
// row carries the attributes of its exchange with the headers of both sides; each message is a node of its conversation.

import type { ExchangeRecord } from "../packages/hypaware/src/contract/exchange.ts";
import type { JsonObject } from "../packages/hypaware/src/contract/projection.ts";
import { ROOT } from "../packages/hypaware/src/contract/thread.ts";
import {
  gatewayAttributes,
  mergeAttributes,
  usageAttributes,
} from "../packages/hypaware/src/projection/attributes.ts";
import type { Catalog } from "../packages/hypaware/src/store/catalog.ts";
import { exampleExchange, exampleRow } from "../packages/hypaware/src/store/example-rows.testkit.ts";

export const PARTS = 4;
const SESSION_EXCHANGES = 200;
const PARALLEL = 3;
const STARTED = Date.parse("2026-06-01T00:00:00Z");

let state = 0x2545f491;
/** Below `n`; the same sequence in every run. */
function random(n: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

function hex(digits: number): string {
  let made = "";
  while (made.length < digits)
    made += random(2 ** 32)
      .toString(16)
      .padStart(8, "0");
  return made.slice(0, digits);
}

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
function base62(digits: number): string {
  let made = "";
  while (made.length < digits) made += ALPHABET[random(62)]!;
  return made;
}

function uuid(): string {
  const digits = hex(32);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
}

const WORDS = Array.from({ length: 4000 }, () =>
  Array.from({ length: 2 + random(9) }, () => String.fromCharCode(97 + random(26))).join(""),
);

/** 0.2 to 8 KB, log-uniform. */
function text(): string {
  const size = 200 * 40 ** (random(1000) / 1000);
  let made = "";
  while (made.length < size) made += `${WORDS[random(random(2) === 0 ? 200 : 4000)]} `;
  return made;
}

const REPEATED = Array.from({ length: 600 }, text);
const SYSTEMS = Array.from({ length: 40 }, () => text().repeat(3));
const TOOLS = Array.from({ length: 20 }, (_, n) => [{ name: `tool${n}`, description: text() }]);
const TOOL_NAMES = ["Read", "Edit", "Bash", "Grep", "Glob", "Write", "WebFetch"];
const MODELS = ["large-4", "small-4", "mini-2"];
const PART_TYPES = ["tool_result", "reasoning", "text", "tool_call"];

const REQUEST_HEADERS = {
  accept: "application/json",
  "content-type": "application/json",
  "user-agent": "client-cli/2.1.330 (external, sdk-cli)",
  "x-stainless-arch": "x64",
  "x-stainless-lang": "js",
  "x-stainless-os": "Linux",
  "x-stainless-package-version": "0.128.0",
  "x-stainless-retry-count": "0",
  "x-stainless-runtime": "node",
  "x-stainless-runtime-version": "v26.12.1",
  "x-stainless-timeout": "600",
  "x-beta":
    "client-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24",
  "x-version": "2023-06-01",
  "x-api-key": "REDACTED:0000",
  "x-app": "cli",
  connection: "keep-alive",
  host: "127.0.0.1:18521",
  "accept-encoding": "gzip, deflate, br, zstd",
};

/** One session's state: what the next exchange continues. */
interface Session {
  readonly id: string;
  readonly n: number;
  readonly startedAt: string;
  tip: { readonly node: number; readonly messageId: string; readonly depth: number } | undefined;
  toolCall: string | undefined;
}

const running = new Map<number, Session>();
let sessions = 0;

function nextSession(catalog: Catalog, n: number, at: string): Session {
  const known = running.get(n % PARALLEL);
  if (known !== undefined && Math.floor(n / PARALLEL) % SESSION_EXCHANGES !== 0) return known;
  const id = uuid();
  const session = { id, n: sessions++, startedAt: at, tip: undefined, toolCall: undefined };
  running.set(n % PARALLEL, session);
  catalog.threads.addConversation({ id, base: id, inferred: false, startedAt: at, failedLeaf: null });
  return session;
}

/** Writes exchanges `from` to `to` as the recorder does. Gives the id of the last one's conversation. */
export function writeExchanges(catalog: Catalog, from: number, to: number): string {
  let last = "";
  catalog.transaction(() => {
    for (let n = from; n < to; n += 1) last = writeExchange(catalog, n);
  });
  return last;
}

function writeExchange(catalog: Catalog, n: number): string {
  const at = new Date(STARTED + n * 60_000).toISOString();
  const session = nextSession(catalog, n, at);
  const model = MODELS[random(3)]!;
  const cwd = `/home/me/project${session.n % 20}`;
  const requestId = `req_011${base62(21)}`;
  const responseId = `msg_01${base62(22)}`;
  const usage = {
    input_tokens: random(2000),
    output_tokens: random(4000),
    cache_read_tokens: random(100_000),
    cache_write_tokens: random(20_000),
  };
  const record = recordOf(session.id, requestId, at);
  catalog.putExchange(
    exampleExchange(n, {
      exchange_id: record.exchange_id,
      started_at: at,
      ended_at: record.ts_end,
      session_id: session.id,
      conversation_id: session.id,
      client_name: "client",
      client_version: "2.1.330",
      entrypoint: "sdk-cli",
      model,
      requested_model: "large",
      stop_reason: "tool_use",
      projector: "client",
      provider: "provider",
      upstream: "upstream",
      method: record.method,
      path: record.path,
      status_code: 200,
      request_id: requestId,
      response_id: responseId,
      duration_ms: record.duration_ms,
      ttfb_ms: record.ttfb_ms,
      stream_event_count: record.stream_event_count,
      request_bytes: record.request_bytes,
      response_bytes: record.response_bytes,
      ...usage,
      total_input_tokens: usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
      cost_microusd: random(100_000),
      rate_limits: Object.fromEntries(
        Object.entries(JSON.parse(record.response_headers!) as JsonObject).filter(([name]) =>
          name.includes("ratelimit"),
        ),
      ),
      attributes: { service_tier: "standard", gateway: { route_reason: "match" } },
      cwd,
      rows_written: PARTS,
      date: at.slice(0, 10),
    }),
    { runId: "0mdgfc1xk-8f3a1c", from: place(n * 30_000), to: place(n * 30_000 + 29_000) },
  );
  const shared = mergeAttributes(
    { client: { name: "client", version: "2.1.330" } },
    {
      request: {
        max_tokens: 128_000,
        thinking: { type: "adaptive" },
        output_config: { effort: "medium" },
        stream: true,
      },
      provider_raw: { metadata: { user_id: `{"session_id":"${session.id}"}` }, response_id: responseId },
      timing: { latency_ms: record.duration_ms! },
    },
    gatewayAttributes(record, { request_class: "main", session_id: session.id }, 0),
  );
  catalog.putRows(
    PART_TYPES.map((part_type, part) => {
      const before = session.tip;
      const message_id = uuid();
      const role = part_type === "tool_result" ? "user" : "assistant";
      const depth = before === undefined ? 0 : before.depth + 1;
      const { id: node } = catalog.threads.add({
        conversationId: session.id,
        predecessor: before?.node ?? ROOT,
        matchKey: hex(32),
        messageId: message_id,
        role,
        depth,
        isAnswer: role === "assistant",
      });
      session.tip = { node, messageId: message_id, depth };
      const toolCall = part_type === "tool_call" ? `toolu_01${base62(22)}` : undefined;
      const tool_name = TOOL_NAMES[random(TOOL_NAMES.length)]!;
      if (toolCall !== undefined) catalog.threads.rememberTool(session.id, toolCall, tool_name);
      const row = exampleRow(n * PARTS + part, {
        gateway_id: "hypaware-local",
        conversation_id: session.id,
        conversation_source: "client_code",
        client_version: "2.1.330",
        entrypoint: "sdk-cli",
        user_type: "external",
        is_sidechain: false,
        request_id: requestId,
        message_id,
        part_id: `${message_id}#0`,
        previous_message_id: before === undefined ? [] : [before.messageId],
        provider_uuid: message_id,
        message_index: depth,
        message_created_at: role === "user" ? at : record.ts_end!,
        conversation_started_at: session.startedAt,
        role,
        part_type,
        provider_subtype: part_type,
        model,
        cwd,
        git_branch: "main",
        system_text: SYSTEMS[session.n % SYSTEMS.length]!,
        tools: TOOLS[session.n % TOOLS.length]!,
        content_text: random(100) < 35 ? REPEATED[random(600)]! : text(),
        ...(toolCall === undefined ? {} : { tool_name, tool_call_id: toolCall }),
        ...(part_type === "tool_result" ? { tool_result_for: session.toolCall ?? null } : {}),
        attributes: part === PARTS - 1 ? mergeAttributes(shared, usageAttributes(usage)) : shared,
        date: at.slice(0, 10),
      });
      session.toolCall = toolCall;
      return row;
    }),
  );
  return session.id;
}

/** Of a journal whose segments have 64 MB. */
const place = (offset: number) => ({ segment: 1 + Math.floor(offset / 2 ** 26), offset: offset % 2 ** 26 });

function recordOf(sessionId: string, requestId: string, at: string): ExchangeRecord {
  const duration = random(60_000) + 0.5;
  const ended = new Date(Date.parse(at) + duration).toISOString();
  const requestBytes = 20_000 + random(400_000);
  return {
    exchange_id: hex(32),
    ts_start: at,
    ts_end: ended,
    duration_ms: duration,
    upstream: "upstream",
    provider: "provider",
    method: "POST",
    path: "/v1/messages?beta=true",
    status_code: 200,
    request_bytes: requestBytes,
    response_bytes: random(50_000),
    is_sse: true,
    stream_event_count: random(2000),
    request_headers: JSON.stringify({
      ...REQUEST_HEADERS,
      "x-session-id": sessionId,
      "content-length": String(requestBytes),
    }),
    response_headers: JSON.stringify({
      date: new Date(ended).toUTCString(),
      "content-type": "text/event-stream; charset=utf-8",
      "transfer-encoding": "chunked",
      connection: "keep-alive",
      "cache-control": "no-cache",
      "request-id": requestId,
      "x-ratelimit-requests-limit": "4000",
      "x-ratelimit-requests-remaining": String(random(4000)),
      "x-ratelimit-requests-reset": ended,
      "x-ratelimit-tokens-limit": "400000",
      "x-ratelimit-tokens-remaining": String(random(400_000)),
      "x-ratelimit-tokens-reset": ended,
      "cf-ray": `${hex(16)}-FRA`,
      "cf-cache-status": "DYNAMIC",
      "x-upstream-service-time": String(random(4000)),
    }),
    request_body: null,
    response_body: null,
    error: null,
    metadata: "{}",
    stream_events: [],
    outcome: "complete",
    ttfb_ms: random(3000) + 0.25,
  };
}
