import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expectedConversations, headerOf } from "@hypaware/testkit";
import type { ExpectedMessage, FakeProvider } from "@hypaware/testkit";
import { SETTINGS, comparable, findClaudeCode, makeClaudeHome, promptArgs } from "./lib/claude-code.ts";
import type { ClaudeHome, ClaudeResult } from "./lib/claude-code.ts";
import { readTranscripts } from "./lib/claude-transcripts.ts";
import { withAdapters } from "./lib/configs.ts";
import type { Daemon } from "./lib/daemon.ts";
import type { FlowContext } from "./lib/flow.ts";
import { jsonColumn, storedConversations } from "./lib/message-rows.ts";

export const title =
  "the real Claude Code: rows and tokens equal the provider's account, output equals a run without us";
export const timeoutMs = 180_000;

const BASH = "Bash(echo:*)";

const RUNS = [
  { prompt: "SAY:text hello there", tools: [], daemon: false },
  { prompt: "SAY:bash echo hi", tools: [BASH], daemon: false },
  { prompt: "SAY:parallel echo par", tools: [BASH], daemon: true },
  { prompt: "SAY:agent SAY:bash echo from-helper", tools: [BASH, "Agent", "Task"], daemon: true },
];

export default async function claudeCodeReal(ctx: FlowContext): Promise<void> {
  const client = findClaudeCode();
  if (client === undefined)
    ctx.skip("no Claude Code: set HYP_TEST_CLAUDE to its binary, or HYP_TEST_CLIENTS");
  const path = String(ctx.env["PATH"]);
  const direct = await ctx.fakeProvider({ seed: "direct" });
  const through = await ctx.fakeProvider({ seed: "through" });
  ctx.writeConfig(withAdapters(through));

  let daemon: Daemon | undefined;
  for (const [i, { prompt, tools, ...run }] of RUNS.entries()) {
    if (run.daemon) daemon ??= await ctx.startDaemon();
    const alone = makeClaudeHome(join(ctx.folder, `direct-${i}`), client, path);
    // The recorder reads the transcripts of the person whose it is.
    const carried = makeClaudeHome(join(ctx.folder, `through-${i}`), client, path, String(ctx.env["HOME"]));
    const args = promptArgs(prompt, tools);
    const expected = await ctx.run("claude", args, {
      env: { ...alone.env, ANTHROPIC_BASE_URL: direct.url },
      cwd: alone.project,
    });
    const actual = await ctx.hyp(["run", "claude", "--", ...args], {
      env: carried.env,
      cwd: carried.project,
    });
    assert.equal(expected.code, 0, `the client alone fails: ${expected.stderr}${expected.stdout}`);
    assert.equal(actual.code, expected.code, `${prompt}: exit code\n${actual.stderr}${actual.stdout}`);
    assert.deepEqual(resultOf(actual.stdout), resultOf(expected.stdout), `${prompt}: output`);
    assert.equal(actual.stderr, expected.stderr, `${prompt}: stderr`);
    checkSettings(carried);
    checkSettings(alone);
  }

  const expected = expectedConversations(through.requests());
  const stored = await storedConversations(ctx);
  assert.deepEqual([...stored.keys()].sort(), [...expected.keys()].sort(), "conversations");
  // In what order is the transcript's word (checkNames).
  for (const [id, messages] of expected)
    assert.deepEqual(inAnyOrder(stored.get(id) ?? []), inAnyOrder(messages), `messages of ${id}`);
  const lines = await checkNames(ctx);
  await checkAgents(ctx);
  await checkExchanges(ctx, through);
  await checkUniqueness(ctx, through);
  if (daemon !== undefined) assert.equal((await daemon.stop()).code, 0);
  const messages = [...expected.values()].reduce((sum, list) => sum + list.length, 0);
  ctx.note(
    `client ${client.version}: ${expected.size} conversations, ${messages} messages, ${lines} lines of transcripts`,
  );
}

function inAnyOrder(messages: readonly ExpectedMessage[]): readonly string[] {
  return messages.map((message) => JSON.stringify(message)).sort();
}

/** Each line of a transcript is one message under its own name and below its own parent; what was sent was carried by an exchange. */
async function checkNames(ctx: FlowContext): Promise<number> {
  const lines = readTranscripts(String(ctx.env["HOME"]));
  const rows = await ctx.sql(
    `SELECT message_id, any_value(previous_message_id) AS previous, any_value(conversation_id) AS conversation,
            bool_and(json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL) AS carried
       FROM ai_gateway_messages WHERE provider_uuid IS NOT NULL GROUP BY message_id ORDER BY message_id`,
  );
  assert.deepEqual(
    rows.map(({ message_id, previous, conversation, carried }) => ({
      message_id,
      previous: jsonColumn(previous),
      conversation,
      carried,
    })),
    lines
      .map(({ uuid, parentUuid, sessionId, type, isSidechain, agentId }) => ({
        message_id: uuid,
        previous: parentUuid === null ? [] : [parentUuid],
        conversation: isSidechain === true ? `${sessionId}/${String(agentId)}` : sessionId,
        carried: type === "user" || type === "assistant",
      }))
      .sort((a, b) => (a.message_id < b.message_id ? -1 : 1)),
  );
  return lines.length;
}

/** What a subagent is stands beside its transcript. */
async function checkAgents(ctx: FlowContext): Promise<void> {
  const agents = await ctx.sql(
    `SELECT DISTINCT is_sidechain, json_extract_string(attributes, '$.claude.agent.type') AS agent
       FROM ai_gateway_messages WHERE provider_uuid IS NOT NULL ORDER BY is_sidechain`,
  );
  assert.deepEqual(agents, [
    { is_sidechain: false, agent: null },
    { is_sidechain: true, agent: "general-purpose" },
  ]);
}

function resultOf(stdout: string): object {
  return comparable(JSON.parse(stdout) as ClaudeResult);
}

function checkSettings({ home, settingsPath }: ClaudeHome): void {
  assert.equal(
    readFileSync(settingsPath, "utf8"),
    SETTINGS,
    "the client's settings are byte for byte its own",
  );
  const files = readdirSync(join(home, ".claude")).filter((name) => name.startsWith("settings"));
  assert.deepEqual(files, ["settings.json"]);
}

/** Every request is one exchange, and its tokens are those of its own answer. */
async function checkExchanges(ctx: FlowContext, provider: FakeProvider): Promise<void> {
  const rows = await ctx.sql(
    `SELECT request_id, path, status_code, outcome, session_id, agent_id, request_class, decode_status, client_name,
            client_version, entrypoint, model, stop_reason, input_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, total_input_tokens
       FROM ai_gateway_exchanges ORDER BY request_id`,
  );
  const expected = provider.requests().map((exchange) => {
    const { usage, requestId } = exchange.generation ?? assert.fail(`unforeseen call ${exchange.target}`);
    const agent = headerOf(exchange.rawHeaders, "x-claude-code-agent-id") ?? null;
    const agentString = headerOf(exchange.rawHeaders, "user-agent") ?? "";
    const [, version, entrypoint] = /^claude-cli\/(\S+) \(external, ([^,)]+)/.exec(agentString) ?? [];
    const reply =
      exchange.answer?.kind === "message" ? exchange.answer : assert.fail("a failure was not scripted");
    return {
      request_id: requestId,
      path: exchange.target,
      status_code: 200,
      outcome: "complete",
      session_id: headerOf(exchange.rawHeaders, "x-claude-code-session-id"),
      agent_id: agent,
      request_class: agent === null ? "main" : "subagent",
      decode_status: "projected",
      client_name: "claude",
      client_version: version,
      entrypoint,
      model: (JSON.parse(exchange.body.toString()) as { model: string }).model,
      stop_reason: reply.stopReason,
      input_tokens: usage.input_tokens,
      cache_read_tokens: usage.cache_read_input_tokens,
      cache_write_tokens: usage.cache_creation_input_tokens,
      cache_write_5m_tokens: usage.cache_creation.ephemeral_5m_input_tokens,
      cache_write_1h_tokens: usage.cache_creation.ephemeral_1h_input_tokens,
      output_tokens: usage.output_tokens,
      total_input_tokens:
        usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
    };
  });
  const numeric = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, name.endsWith("_tokens") ? Number(value) : value]),
    ),
  );
  assert.deepEqual(
    numeric,
    expected.sort((a, b) => (a.request_id < b.request_id ? -1 : 1)),
  );
}

/** No part twice, and each answer's usage on exactly one row. */
async function checkUniqueness(ctx: FlowContext, provider: FakeProvider): Promise<void> {
  const [counts] = await ctx.sql(
    `SELECT count(*)::INT AS parts, count(DISTINCT part_id)::INT AS distinct_parts,
            count(*) FILTER (json_extract(attributes, '$.usage') IS NOT NULL)::INT AS with_usage,
            count(DISTINCT request_id) FILTER (json_extract(attributes, '$.usage') IS NOT NULL)::INT AS used_requests
       FROM ai_gateway_messages`,
  );
  const answers = provider.requests().length;
  assert.equal(counts?.["parts"], counts?.["distinct_parts"]);
  assert.deepEqual([counts?.["with_usage"], counts?.["used_requests"]], [answers, answers]);
}
