import assert from "node:assert/strict";
import { basename } from "node:path";
import process from "node:process";
import type { FakeProvider } from "@hypaware/testkit";
import type { FlowContext } from "./lib/flow.ts";
import { type InstalledSdk, PROGRAMS, findSdks } from "./lib/sdk-program.ts";

export const title =
  "programs on the real SDKs: what they get is byte for byte what they get without us, each run is a conversation, tokens are the provider's";
export const timeoutMs = 90_000;

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
  const through = await ctx.fakeProvider({ seed: "sdk" });
  const direct = await ctx.fakeProvider({ seed: "sdk" });
  // A config of before this plugin was: it has it all the same.
  const upstreams = [
    { name: "anthropic", base_url: through.url },
    { name: "openai", base_url: through.url },
  ];
  const gateway = { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } };
  ctx.writeConfig({
    version: 2,
    plugins: [gateway, { name: "@hypaware/claude" }, { name: "@hypaware/codex" }],
  });
  const daemon = await ctx.startDaemon();
  for (const installed of sdks) {
    const expected = await outputOf(ctx, installed, direct.url);
    const actual = await outputOf(ctx, installed, `http://127.0.0.1:${daemon.port}`);
    assert.deepEqual(actual, expected, `${basename(installed.folder)}: ${installed.sdk}`);
  }
  await checkExchanges(ctx, through);
  await checkConversations(ctx, sdks);
  ctx.note(`${sdks.length} programs, ${through.requests().length} exchanges`);
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

/** Every request is one exchange of the right kind, and its tokens are those of its own answer. */
async function checkExchanges(ctx: FlowContext, provider: FakeProvider): Promise<void> {
  const rows = await ctx.sql(
    `SELECT request_id, path, client_name, request_class, decode_status, input_tokens, cache_read_tokens, output_tokens
       FROM ai_gateway_exchanges WHERE request_class <> 'count_tokens' ORDER BY request_id`,
  );
  const expected = provider
    .requests()
    .filter(({ target }) => !target.includes("count_tokens"))
    .map(({ target, generation, answer, response }) => {
      const { usage, requestId } = generation ?? assert.fail(`unforeseen call ${target}`);
      const isWhole = answer?.kind === "message" && response.ending === "complete";
      // Of an answer that broke off one of the APIs has told what it had counted by then.
      const isBegun = answer?.kind === "message" && target === "/v1/messages";
      return {
        request_id: requestId,
        path: target,
        client_name: "api",
        request_class: "main",
        decode_status: "projected",
        input_tokens: isWhole || isBegun ? usage.input_tokens : 0,
        cache_read_tokens: isWhole || isBegun ? usage.cache_read_input_tokens : 0,
        output_tokens: isWhole ? usage.output_tokens : isBegun ? 1 : 0,
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
