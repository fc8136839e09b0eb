import assert from "node:assert/strict";
import { startFakeOpenAi } from "@hypaware/testkit";
import type { FakeOpenAi } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { jsonColumn } from "./lib/message-rows.ts";
import { eventually } from "./lib/process.ts";

export const title =
  "a Chat Completions and a Codex exchange make four rows, carried by the configured upstreams and not by the presets of their names";

const THREAD = "0b0c5a52-0000-7000-8000-000000000011";
const TURN = "0b0c5a52-0000-7000-8000-000000000012";
const CWD = "/home/user/project";

/** As Codex tells of a turn. */
const METADATA = {
  session_id: THREAD,
  thread_id: THREAD,
  turn_id: TURN,
  request_kind: "turn",
  thread_source: "user",
  sandbox: "none",
  turn_started_at_unix_ms: 1_795_345_550_214,
  cwd: CWD,
  workspaces: {
    [CWD]: {
      associated_remote_urls: { origin: "https://example.org/r.git" },
      latest_git_commit_hash: "abc",
      has_changes: true,
    },
  },
};

export default async function gatewayCodexCapture(ctx: FlowContext): Promise<void> {
  const [openai, chatgpt, local] = await Promise.all(["openai", "chatgpt", "local"].map(startNamed));
  const fakes = [openai!, chatgpt!, local!];
  try {
    ctx.writeConfig(
      withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", {
        upstreams: [
          { name: "openai", base_url: openai!.url },
          { name: "chatgpt", base_url: chatgpt!.url },
          { name: "local", base_url: local!.url, path_prefix: "/local", provider: "mine" },
        ],
      }),
    );
    const daemon = await ctx.startDaemon();
    await ask(`${daemon.url}/v1/chat/completions`, chatRequest());
    await ask(`${daemon.url}/backend-api/codex/responses`, codexRequest());
    // One beside the presets has its own provider; what it carries is read all the same.
    await ask(`${daemon.url}/local/v1/chat/completions`, chatRequest());
    assert.deepEqual(
      fakes.map((fake) => fake.calls().map(({ target }) => target)),
      [["/v1/chat/completions"], ["/backend-api/codex/responses"], ["/local/v1/chat/completions"]],
    );
    await checkMessages(ctx);
    await checkExchanges(ctx, chatgpt!);
    const logs = await eventually("every exchange is logged", () => {
      const found = ctx.telemetry().logs("aigw.exchange");
      return found.length === fakes.length ? found : undefined;
    });
    assert.deepEqual(
      logs.map(({ attributes }) => [attributes["upstream"], attributes["rows_written"]]),
      [
        ["openai", 2],
        ["chatgpt", 2],
        ["local", 2],
      ],
    );
    assert.equal((await daemon.stop()).code, 0);
  } finally {
    for (const fake of fakes) await fake.close();
  }
}

const startNamed = (seed: string): Promise<FakeOpenAi> => startFakeOpenAi({ seed });

const chatRequest = (): RequestInit => ({
  method: "POST",
  headers: { authorization: "Bearer sk-flow-0123456789abcdefghij", "content-type": "application/json" },
  body: JSON.stringify({ model: "m-chat", messages: [{ role: "user", content: "SAY:text from chat" }] }),
});

const codexRequest = (): RequestInit => ({
  method: "POST",
  headers: {
    authorization: "Bearer sk-flow-0123456789abcdefghij",
    "content-type": "application/json",
    accept: "text/event-stream",
    "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
    originator: "codex_exec",
    "session-id": THREAD,
    "thread-id": THREAD,
    "x-client-request-id": THREAD,
    "x-codex-window-id": `${THREAD}:0`,
    "x-codex-turn-metadata": JSON.stringify(METADATA),
  },
  body: JSON.stringify({
    model: "m-codex",
    stream: true,
    store: false,
    input: [
      {
        type: "message",
        id: "msg_asked",
        role: "user",
        content: [{ type: "input_text", text: "SAY:text from codex" }],
      },
    ],
  }),
});

async function ask(url: string, request: RequestInit): Promise<void> {
  const answer = await fetch(url, request);
  assert.equal(answer.status, 200);
  await answer.text();
}

async function checkMessages(ctx: FlowContext): Promise<void> {
  const rows = await ctx.sql(
    `SELECT provider, role, content_text AS text, conversation_source AS source, model, client_version AS version, entrypoint,
            user_type, permission_mode, is_sidechain AS sidechain, cwd, prompt_id AS prompt, message_id AS id, attributes
       FROM ai_gateway_messages WHERE provider <> 'mine' ORDER BY provider DESC, message_index`,
  );
  assert.equal(rows.length, 4);
  const plain = {
    provider: "openai",
    source: "api",
    model: "m-chat",
    version: null,
    entrypoint: null,
    user_type: null,
    permission_mode: null,
    sidechain: null,
    cwd: null,
    prompt: null,
  };
  const codex = {
    provider: "chatgpt",
    source: "codex",
    model: "m-codex",
    version: "0.169.0",
    entrypoint: "codex_exec",
    user_type: "user",
    permission_mode: "none",
    sidechain: false,
    cwd: CWD,
    prompt: TURN,
  };
  assert.deepEqual(
    rows.map(({ attributes: _attributes, id: _id, ...row }) => row),
    [
      { ...plain, role: "user", text: "SAY:text from chat" },
      { ...plain, role: "assistant", text: "from chat" },
      { ...codex, role: "user", text: "SAY:text from codex" },
      { ...codex, role: "assistant", text: "from codex" },
    ],
  );
  const attributes = rows.map((row) => jsonColumn(row["attributes"]) as Attributes);
  for (const { gateway, codex: told, client } of attributes.slice(0, 2)) {
    assert.equal(gateway.identity_source, "gateway_fallback");
    assert.deepEqual([told, client?.name], [undefined, "api"]);
  }
  for (const { gateway, codex: told, client } of attributes.slice(2)) {
    assert.equal(gateway.identity_source, undefined);
    assert.deepEqual(client, { name: "codex", version: "0.169.0" });
    const { session_id, thread_id, turn_id, thread_source, originator, window_id, sandbox, ...more } = told!;
    assert.deepEqual(
      [session_id, thread_id, turn_id, thread_source, originator, window_id, sandbox],
      [THREAD, THREAD, TURN, "user", "codex_exec", `${THREAD}:0`, "none"],
    );
    const { turn_started_at_unix_ms, workspace, git_origin_url, git_commit, has_changes } = more;
    assert.deepEqual(
      [turn_started_at_unix_ms, workspace, git_origin_url, git_commit, has_changes],
      [METADATA.turn_started_at_unix_ms, CWD, "https://example.org/r.git", "abc", true],
    );
  }
  assert.equal(rows[2]?.["id"], "msg_asked");
}

interface Attributes {
  readonly gateway: { readonly identity_source?: string };
  readonly client?: { readonly name: string; readonly version?: string };
  readonly codex?: Readonly<Record<string, unknown>>;
}

async function checkExchanges(ctx: FlowContext, chatgpt: FakeOpenAi): Promise<void> {
  const rows = await ctx.sql(
    `SELECT upstream, provider, status_code AS status, is_sse, stream_event_count AS events, client_name AS client,
            request_class AS class, response_id AS response, input_tokens::INT AS input, cache_read_tokens::INT AS cached,
            output_tokens::INT AS output
       FROM ai_gateway_exchanges ORDER BY started_at`,
  );
  const usage = { status: 200, class: "main", input: 11, cached: 2_001, output: 21 };
  const chat = { ...usage, is_sse: false, events: null, client: "api" };
  const [call] = chatgpt.calls();
  assert.deepEqual(
    rows.map(({ response: _response, ...row }) => row),
    [
      { upstream: "openai", provider: "openai", ...chat },
      // created, the item's beginning, its part's, two pieces of text, three ends, completed
      { upstream: "chatgpt", provider: "chatgpt", ...usage, is_sse: true, events: 9, client: "codex" },
      { upstream: "local", provider: "mine", ...chat },
    ],
  );
  assert.equal(rows[1]?.["response"], call?.response?.id);
}
