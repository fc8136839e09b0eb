import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generation, postMessage } from "@hypaware/testkit";
import { writeTranscript } from "./lib/claude-transcripts.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext, Row } from "./lib/flow.ts";
import { jsonColumn } from "./lib/message-rows.ts";
import { eventually } from "./lib/process.ts";

export const title =
  "two exchanges of a client make four rows under names made from their content, and under its own once it wrote them down";

const SESSIONS = ["0b0c5a52-0000-4000-8000-000000000001", "0b0c5a52-0000-4000-8000-000000000002"];

interface Attributes {
  readonly gateway?: {
    readonly identity_source?: string;
    readonly session_id?: string;
    readonly request_class?: string;
  };
  readonly claude?: { readonly identity_source?: string };
  readonly usage?: object;
}

export default async function gatewayClaudeCapture(ctx: FlowContext): Promise<void> {
  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const daemon = await ctx.startDaemon();
  for (const sessionId of SESSIONS) {
    const answer = await postMessage(daemon.url, "SAY:text captured", { sessionId });
    assert.equal(answer.failure, undefined);
  }

  const rows = await ctx.sql("SELECT * FROM ai_gateway_messages ORDER BY conversation_id, message_index");
  assert.equal(rows.length, 4);
  assert.equal(Object.keys(rows[0] ?? {}).length, 49);
  for (const [i, conversation] of SESSIONS.entries()) {
    const [prompt, answer] = rows.slice(i * 2, i * 2 + 2);
    assert.ok(prompt !== undefined && answer !== undefined);
    checkRow(prompt, conversation, "user", "SAY:text captured", []);
    checkRow(answer, conversation, "assistant", "captured", [String(prompt["message_id"])]);
    assert.equal((jsonColumn(prompt["attributes"]) as Attributes).usage, undefined);
    assert.deepEqual((jsonColumn(answer["attributes"]) as Attributes).usage, {
      input_tokens: 11 + i,
      output_tokens: 21 + i,
      cache_read_tokens: 2001 + i,
      cache_write_tokens: 1001 + i,
    });
    assert.equal(answer["request_id"], generation("testkit", i + 1).requestId);
  }

  await hookSaysWhere(ctx);
  await transcriptSaysNames(ctx);

  const status = await ctx.hyp(["status", "--json"]);
  const { records } = JSON.parse(status.stdout) as { readonly records: unknown };
  assert.deepEqual(records, [{ client: "claude", sessions: 1, messages: 3, differences: 0 }]);
  const verified = await ctx.hyp(["verify"]);
  assert.equal(verified.code, 0, verified.stdout);
  await hookSaysWhereItIsWritten(ctx);

  const logs = await eventually("both exchanges are logged", () => {
    const found = ctx.telemetry().logs("aigw.exchange");
    return found.length === 2 ? found : undefined;
  });
  assert.deepEqual(
    logs.map((entry) => entry.attributes["rows_written"]),
    [2, 2],
  );
  assert.equal((await daemon.stop()).code, 0);
}

async function hook(ctx: FlowContext, event: object): Promise<void> {
  const stateFile = join(ctx.state, "plugins", "@hypaware", "claude", "session-context.jsonl");
  const ran = await ctx.hyp(["claude-hook", "session-context", "--state-file", stateFile], {
    input: JSON.stringify({ ...event, hook_event_name: "SessionStart" }),
  });
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, "", ""]);
}

/** The client runs under a home that the daemon does not know of. */
async function hookSaysWhereItIsWritten(ctx: FlowContext): Promise<void> {
  const session = String(SESSIONS[1]);
  const { messageId, requestId, usage } = generation("testkit", 2);
  const shared = { timestamp: "2026-03-01T12:00:00.000Z", sessionId: session, version: "2.1.330" };
  const said = { id: messageId, role: "assistant", content: [{ type: "text", text: "captured" }], usage };
  const file = writeTranscript(join(ctx.folder, "another"), "/project", session, [
    { type: "summary", summary: "What was captured", leafUuid: "uuid-5" },
    {
      ...shared,
      type: "user",
      uuid: "uuid-4",
      parentUuid: null,
      message: { role: "user", content: "SAY:text captured" },
    },
    { ...shared, type: "assistant", uuid: "uuid-5", parentUuid: "uuid-4", requestId, message: said },
  ]);
  await hook(ctx, { session_id: session, cwd: ctx.folder, transcript_path: file });
  const rows = await ctx.sql(
    `SELECT provider_uuid, content_text FROM ai_gateway_messages WHERE conversation_id = '${session}' ORDER BY provider_uuid`,
  );
  assert.deepEqual(rows, [
    { provider_uuid: "uuid-4", content_text: "SAY:text captured" },
    { provider_uuid: "uuid-5", content_text: "captured" },
    { provider_uuid: null, content_text: "What was captured" },
  ]);
  const status = await ctx.hyp(["status", "--json"]);
  const { records } = JSON.parse(status.stdout) as { readonly records: unknown };
  assert.deepEqual(records, [{ client: "claude", sessions: 2, messages: 6, differences: 0 }]);
  const verified = await ctx.hyp(["verify", "claude", "--session", session]);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, /3 messages \(2 carried\)/);
  const dry = await ctx.hyp(["import", "claude", "--dry-run"]);
  assert.equal(dry.stdout, "claude: 2 files, 6 messages read, 0 would be new\n");
}

/** What the client's hook says reaches the rows that are there already; the daemon is not asked. */
async function hookSaysWhere(ctx: FlowContext): Promise<void> {
  const repository = join(ctx.folder, "repository");
  mkdirSync(join(repository, ".git"), { recursive: true });
  writeFileSync(join(repository, ".git", "HEAD"), "ref: refs/heads/topic\n");
  await hook(ctx, { session_id: SESSIONS[0], cwd: repository });
  const places = await ctx.sql(
    "SELECT DISTINCT conversation_id, cwd, git_branch FROM ai_gateway_messages ORDER BY conversation_id",
  );
  assert.deepEqual(places, [
    { conversation_id: SESSIONS[0], cwd: repository, git_branch: "topic" },
    { conversation_id: SESSIONS[1], cwd: null, git_branch: null },
  ]);
}

/** The client's transcript comes when everything is stored. The session that has none keeps what it has. */
async function transcriptSaysNames(ctx: FlowContext): Promise<void> {
  const [session, other] = SESSIONS;
  const { messageId, requestId, usage } = generation("testkit", 1);
  const line = (uuid: string, parentUuid: string | null, fields: object): object => ({
    parentUuid,
    isSidechain: false,
    uuid,
    timestamp: "2026-03-01T12:00:00.000Z",
    userType: "external",
    entrypoint: "cli",
    cwd: "/project",
    sessionId: session,
    version: "2.1.330",
    gitBranch: "main",
    ...fields,
  });
  writeTranscript(String(ctx.env["HOME"]), "/project", String(session), [
    { type: "last-prompt", sessionId: session },
    line("uuid-1", null, {
      type: "user",
      promptId: "prompt-1",
      message: { role: "user", content: "SAY:text captured" },
    }),
    line("uuid-2", "uuid-1", { type: "attachment", attachment: { type: "date", date: "2026-03-01" } }),
    line("uuid-3", "uuid-2", {
      type: "assistant",
      requestId,
      apiBlockIndex: 0,
      message: { id: messageId, role: "assistant", content: [{ type: "text", text: "captured" }], usage },
    }),
  ]);
  const rows = await ctx.sql(
    `SELECT message_id, part_id, previous_message_id, provider_uuid, parent_uuid, message_index, role, part_type, content_text,
            provider_type, attachment_type, prompt_id, request_id, cwd, git_branch,
            json_extract(attributes, '$.usage.output_tokens')::INT AS output_tokens,
            json_extract_string(attributes, '$.gateway.identity_source') AS identity_source,
            json_extract_string(attributes, '$.claude.identity_source') AS client_source
       FROM ai_gateway_messages WHERE conversation_id = '${session}' ORDER BY message_index`,
  );
  const shared = { cwd: "/project", git_branch: "main", identity_source: null, client_source: null };
  const named = (index: number, uuid: string, parent: string | null): object => ({
    message_id: uuid,
    part_id: `${uuid}#0`,
    previous_message_id: parent === null ? [] : [parent],
    provider_uuid: uuid,
    parent_uuid: parent,
    message_index: index,
    ...shared,
  });
  assert.deepEqual(
    rows.map((row) => ({ ...row, previous_message_id: jsonColumn(row["previous_message_id"]) })),
    [
      {
        ...named(0, "uuid-1", null),
        role: "user",
        part_type: "text",
        content_text: "SAY:text captured",
        provider_type: "user",
        attachment_type: null,
        prompt_id: "prompt-1",
        request_id: requestId,
        output_tokens: null,
      },
      {
        ...named(1, "uuid-2", "uuid-1"),
        role: "system",
        part_type: "attachment",
        content_text: null,
        provider_type: "attachment",
        attachment_type: "date",
        prompt_id: null,
        request_id: null,
        output_tokens: null,
      },
      {
        ...named(2, "uuid-3", "uuid-2"),
        role: "assistant",
        part_type: "text",
        content_text: "captured",
        provider_type: "assistant",
        attachment_type: null,
        prompt_id: null,
        request_id: requestId,
        output_tokens: 21,
      },
    ],
  );
  const fallback = await ctx.sql(
    `SELECT DISTINCT json_extract_string(attributes, '$.gateway.identity_source') AS identity_source, provider_uuid
       FROM ai_gateway_messages WHERE conversation_id = '${other}'`,
  );
  assert.deepEqual(fallback, [{ identity_source: "gateway_fallback", provider_uuid: null }]);
}

function checkRow(
  row: Row,
  conversation: string,
  role: string,
  text: string,
  previous: readonly string[],
): void {
  const content = JSON.stringify([{ text, type: "text" }]);
  const name = createHash("sha256").update(`${conversation}:${role}:${content}`).digest("hex").slice(0, 16);
  const { conversation_id, message_id, part_id, content_text, part_type, provider, client_version } = row;
  assert.deepEqual(
    {
      conversation_id,
      message_id,
      part_id,
      role: row["role"],
      content_text,
      part_type,
      provider,
      client_version,
    },
    {
      conversation_id: conversation,
      message_id: name,
      part_id: `${name}#0`,
      role,
      content_text: text,
      part_type: "text",
      provider: "anthropic",
      client_version: "2.1.330",
    },
  );
  assert.deepEqual(jsonColumn(row["previous_message_id"]), previous);
  const attributes = jsonColumn(row["attributes"]) as Attributes;
  assert.equal(attributes.gateway?.identity_source, "gateway_fallback");
  assert.equal(attributes.claude?.identity_source, "gateway_fallback");
  assert.equal(attributes.gateway?.session_id, conversation);
  assert.equal(attributes.gateway?.request_class, "main");
}
