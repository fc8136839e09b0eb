import assert from "node:assert/strict";
import { basename } from "node:path";
import process from "node:process";
import { generation, startFakeOpenAi } from "@hypaware/testkit";
import type { FakeOpenAi, FakeProvider } from "@hypaware/testkit";
import type { FlowContext } from "./lib/flow.ts";
import { type InstalledSdk, PROGRAMS, findSdks } from "./lib/sdk-program.ts";

export const title =
  "programs on the real SDKs: what they get is byte for byte what they get without us, each run is a conversation, tokens are the provider's";
export const timeoutMs = 90_000;

const SEED = "sdk";

/** What each program asked in its tool loop and got, as rows. */
const LOOPS: Readonly<
  Record<string, readonly (readonly [role: string, type: string, text: string | null])[]>
> = {
  "messages SAY:bash echo hi": [
    ["user", "text", "SAY:bash echo hi"],
    ["assistant", "text", "I will run it."],
    ["assistant", "tool_call", null],
    ["user", "tool_result", "hi"],
    ["assistant", "text", "It ran."],
  ],
  "responses SAY:bash echo hi": [
    ["user", "text", "SAY:bash echo hi"],
    ["assistant", "text", "I will run it."],
    ["assistant", "tool_call", null],
    ["tool", "tool_result", "hi"],
    ["assistant", "text", "It ran."],
  ],
  "completions SAY:bash echo chat": [
    ["user", "text", "SAY:bash echo chat"],
    ["assistant", "text", "I will run it."],
    ["assistant", "tool_call", null],
    ["tool", "tool_result", "chat"],
    ["assistant", "text", "It ran."],
  ],
};

export default async function sdkReal(ctx: FlowContext): Promise<void> {
  const sdks = findSdks();
  if (sdks.length === 0) ctx.skip("no SDK: set HYP_TEST_CLIENTS to a folder of installed clients");
  const direct = {
    anthropic: await ctx.fakeProvider({ seed: SEED }),
    openai: await startFakeOpenAi({ seed: SEED }),
  };
  const through = {
    anthropic: await ctx.fakeProvider({ seed: SEED }),
    openai: await startFakeOpenAi({ seed: SEED }),
  };
  try {
    // A config of before @hypaware/raw was: it has it all the same.
    const upstreams = Object.entries(through).map(([name, { url }]) => ({ name, base_url: url }));
    const gateway = { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } };
    const plugins = [gateway, { name: "@hypaware/claude" }, { name: "@hypaware/codex" }];
    ctx.writeConfig({ version: 2, plugins });
    const daemon = await ctx.startDaemon();
    for (const installed of sdks) {
      const expected = await outputOf(ctx, installed, direct[installed.sdk].url);
      const actual = await outputOf(ctx, installed, `http://127.0.0.1:${daemon.port}`);
      assert.deepEqual(actual, expected, `${basename(installed.folder)}: ${installed.sdk}`);
    }
    const expected = [...anthropicCalls(through.anthropic), ...openaiCalls(through.openai)];
    await checkExchanges(ctx, expected);
    await checkConversations(ctx, sdks);
    const verified = await ctx.hyp(["verify"]);
    assert.equal(verified.code, 0, verified.stdout);
    ctx.note(`${sdks.length} programs, ${expected.length} exchanges`);
  } finally {
    await direct.openai.close();
    await through.openai.close();
  }
}

async function outputOf(ctx: FlowContext, { sdk, folder }: InstalledSdk, base: string): Promise<unknown> {
  const args = ["--input-type=module", "-e", PROGRAMS[sdk]];
  const { code, stdout, stderr } = await ctx.run(process.execPath, args, {
    cwd: folder,
    env: { BASE: base },
  });
  assert.equal(code, 0, `the program fails: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}

/** As an exchange's row must have it. */
interface ExpectedCall {
  readonly request_id: string | null;
  readonly path: string;
  readonly status_code: number;
  readonly input_tokens: number;
  readonly cache_read_tokens: number;
  readonly output_tokens: number;
}

const NOTHING = { input_tokens: 0, cache_read_tokens: 0, output_tokens: 0 };

function anthropicCalls(provider: FakeProvider): readonly ExpectedCall[] {
  return provider
    .requests()
    .filter(({ target }) => !target.includes("count_tokens"))
    .map(({ target: path, generation: made, answer, response }) => {
      const { usage, requestId: request_id } = made ?? assert.fail(`unforeseen call ${path}`);
      const about = { request_id, path, status_code: response.status };
      if (answer?.kind !== "message") return { ...about, ...NOTHING };
      // An answer that broke off has told what it had counted by then.
      const output_tokens = response.ending === "complete" ? usage.output_tokens : 1;
      const { input_tokens, cache_read_input_tokens: cache_read_tokens } = usage;
      return { ...about, input_tokens, cache_read_tokens, output_tokens };
    });
}

function openaiCalls(provider: FakeOpenAi): readonly ExpectedCall[] {
  const all = provider.calls();
  const usages = new Map(
    Array.from({ length: all.length }, (_, n) => generation(SEED, n + 1)).map((made) => [
      made.requestId,
      made.usage,
    ]),
  );
  return all.map(({ target: path, status: status_code, requestId }) => {
    const usage = usages.get(requestId) ?? assert.fail(`unforeseen call ${requestId}`);
    // Errors of this provider name no request.
    if (status_code !== 200) return { request_id: null, path, status_code, ...NOTHING };
    const { input_tokens, cache_read_input_tokens: cache_read_tokens, output_tokens } = usage;
    return { request_id: requestId, path, status_code, input_tokens, cache_read_tokens, output_tokens };
  });
}

/** Every request is one exchange of the right kind, and its tokens are those of its own answer. */
async function checkExchanges(ctx: FlowContext, expected: readonly ExpectedCall[]): Promise<void> {
  const rows = await ctx.sql(
    `SELECT request_id, path, status_code, client_name, request_class, decode_status, input_tokens, cache_read_tokens, output_tokens
       FROM ai_gateway_exchanges WHERE request_class <> 'count_tokens'`,
  );
  const written = (row: object): string => JSON.stringify(row);
  const numeric = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        /_(?:tokens|code)$/.test(name) ? Number(value) : value,
      ]),
    ),
  );
  const all = expected.map(({ request_id, path, status_code, ...usage }) => ({
    request_id,
    path,
    status_code,
    client_name: "api",
    request_class: "main",
    decode_status: "projected",
    ...usage,
  }));
  assert.deepEqual(numeric.map(written).sort(), all.map(written).sort());
}

/** Each thing that was asked is a conversation of its own, in the order in which it was said; a repeat of a failed attempt is the same. */
async function checkConversations(ctx: FlowContext, sdks: readonly InstalledSdk[]): Promise<void> {
  const rows = await ctx.sql(
    `SELECT m.conversation_id, m.role, m.part_type, m.content_text, e.path
       FROM ai_gateway_messages m JOIN ai_gateway_exchanges e
         ON e.exchange_id = json_extract_string(m.attributes, '$.gateway.exchange_id')
      ORDER BY m.conversation_id, m.message_index, m.part_index`,
  );
  const conversations = [...Map.groupBy(rows, (row) => row["conversation_id"]).values()];
  const asked = new Map<string, number>();
  for (const parts of conversations) {
    const api = String(parts[0]?.["path"]).split("/").at(-1);
    const name = `${api} ${String(parts[0]?.["content_text"])}`;
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const said = parts.map(({ role, part_type: type, content_text: text }) => [
      role,
      type,
      type === "tool_call" ? null : text,
    ]);
    if (LOOPS[name] !== undefined) assert.deepEqual(said, LOOPS[name], name);
    else if (name.includes("SAY:status 400")) assert.deepEqual(said.length, 1, name);
    else {
      const answers = said.slice(1).map(([role]) => role);
      assert.equal(said[0]?.[0], "user", name);
      // The library may ask again for an answer that broke off: what came of the first stays.
      if (name.includes("SAY:cut"))
        assert.ok(
          answers.every((role) => role === "assistant"),
          name,
        );
      else assert.deepEqual(answers, ["assistant"], name);
    }
  }
  const programs = (sdk: string): number => sdks.filter((each) => each.sdk === sdk).length;
  const expected = new Map<string, number>();
  for (const [sdk, texts] of Object.entries({
    anthropic: ["json", "streamed"].map((text) => `messages SAY:text ${text}`),
    openai: [
      "responses SAY:text json",
      "completions SAY:text chat json",
      "completions SAY:text chat streamed",
    ],
  }))
    for (const name of texts) if (programs(sdk) > 0) expected.set(name, programs(sdk));
  for (const [name, count] of expected) assert.equal(asked.get(name), count, name);
  for (const name of Object.keys(LOOPS)) {
    const count = programs(name.startsWith("messages") ? "anthropic" : "openai");
    assert.equal(asked.get(name) ?? 0, count, name);
  }
}
