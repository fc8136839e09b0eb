import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeOpenAi } from "@hypaware/testkit";
import type { FakeOpenAi } from "@hypaware/testkit";
import {
  againArgs,
  type CodexHome,
  comparableOutput,
  customProvider,
  execArgs,
  findCodex,
  makeCodexHome,
  settings,
  signInWithChatGpt,
  signInWithKey,
  threadOf,
  withVendor,
} from "./lib/codex.ts";
import { itemsOf, readRollouts } from "./lib/codex-rollouts.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { jsonColumn } from "./lib/message-rows.ts";
import type { Finished } from "./lib/process.ts";
import { startTlsFront } from "./lib/tls-front.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Codex: rows equal its own rollouts, tokens what it noted of each response, output equals a run without us";
export const timeoutMs = 120_000;

/** Each in a thread of its own, with and without us. */
const PROMPTS = [
  "SAY:text hello there",
  "SAY:parallel echo par",
  "SAY:agent SAY:bash echo from-helper",
  "SAY:status 429 1",
];

export default async function codexReal(ctx: FlowContext): Promise<void> {
  const client = findCodex();
  if (client === undefined) ctx.skip("no Codex: set HYP_TEST_CODEX to its binary, or HYP_TEST_CLIENTS");
  const vendor = (await startTlsFront(join(ctx.folder, "tls"))) ?? ctx.skip("no openssl for a certificate");
  const path = String(ctx.env["PATH"]);
  const [direct, through] = [
    await startFakeOpenAi({ seed: "direct" }),
    await startFakeOpenAi({ seed: "through" }),
  ];
  vendor.forwardTo(Number(new URL(through.url).port));
  try {
    const upstreams = ["openai", "chatgpt"].map((name) => ({ name, base_url: through.url }));
    ctx.writeConfig(withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", { upstreams }));
    const daemon = await ctx.startDaemon();
    const alone = makeCodexHome(join(ctx.folder, "direct"), client, path);
    // The recorder reads the rollouts of the person whose it is.
    const home = makeCodexHome(join(ctx.folder, "through"), client, path, String(ctx.env["HOME"]));
    const carried = withVendor(home, vendor);
    const codex = async (person: CodexHome, args: readonly string[]): Promise<Finished> => {
      const finished = await ctx.run("codex", args, { env: person.env, cwd: person.project });
      succeeded(args, finished);
      if (person === carried) await verified(ctx, args.join(" "));
      return finished;
    };
    const ours = customProvider(daemon.url);

    for (const prompt of PROMPTS) {
      const expected = await codex(alone, [...execArgs(prompt), ...customProvider(direct.url)]);
      const actual = await codex(carried, [...execArgs(prompt), ...ours]);
      assert.deepEqual(comparableOutput(actual.stdout), comparableOutput(expected.stdout), prompt);
    }
    // One thread: begun, gone on with, summed up, and left by a fork.
    const thread = threadOf((await codex(carried, [...execArgs("SAY:bash echo one"), ...ours])).stdout);
    await codex(carried, [...againArgs("resume", thread, "SAY:text two"), ...ours]);
    await codex(carried, [...againArgs("fork", thread, "SAY:text another"), ...ours]);
    const limit = settings("model_auto_compact_token_limit=1000");
    await codex(carried, [...againArgs("resume", thread, "SAY:text three"), ...limit, ...ours]);
    // On a WebSocket, started by us, by both ways to sign in.
    for (const signIn of [signInWithKey, signInWithChatGpt]) {
      signIn(carried);
      const args = ["run", "codex", "--", ...execArgs("SAY:chain echo socket")];
      succeeded(args, await ctx.hyp(args, { env: carried.env, cwd: carried.project }));
      await verified(ctx, args.join(" "));
    }

    const onSocket = through.calls().filter(({ transport }) => transport === "websocket");
    assert.equal(onSocket.length, 6, "calls on WebSockets");
    const counts = await checkMessages(ctx, carried, through);
    await checkUsage(ctx, carried, through);
    const again = await ctx.hyp(["reproject", "--dry-run"]);
    assert.match(again.stdout, /\nno difference\n$/);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${counts}, ${through.calls().length} responses`);
  } finally {
    await Promise.all([vendor.close(), direct.close(), through.close()]);
  }
}

function succeeded(args: readonly string[], { code, stdout, stderr }: Finished): void {
  assert.equal(code, 0, `${args.join(" ")}: ${stderr}${stdout}`);
}

/** Each item is one message under its own name, in the thread that it was said in; predecessors are stored; what was sent was carried. */
async function checkMessages(ctx: FlowContext, { folder }: CodexHome, provider: FakeOpenAi): Promise<string> {
  const lines = readRollouts(folder);
  const items = itemsOf(lines);
  const rows = await ctx.sql(
    `SELECT message_id AS id, any_value(conversation_id) AS thread, any_value(provider_type) AS type,
            any_value(previous_message_id) AS previous, any_value(provider_uuid) AS uuid,
            count(*)::INT AS parts, count(DISTINCT part_id)::INT AS distinct_parts,
            bool_and(json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL) AS carried
       FROM ai_gateway_messages GROUP BY message_id ORDER BY message_id`,
  );
  const isItem = new Set([...items.values()].map(({ id }) => id));
  assert.deepEqual(
    rows
      .filter(({ id }) => isItem.has(String(id)))
      .map(({ id, thread, type, uuid }) => ({ id, thread, type, uuid })),
    [...items.values()]
      .map(({ id, thread, type }) => ({ id, thread, type, uuid: id }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  const names = new Set(rows.map(({ id }) => id));
  for (const { previous } of rows)
    for (const id of jsonColumn(previous) as readonly string[]) assert.ok(names.has(id), `no message ${id}`);
  assert.deepEqual(
    rows.filter(({ parts, distinct_parts: distinct }) => parts !== distinct),
    [],
  );

  const sent = provider.calls().flatMap(({ input, response }) => [...input, ...(response?.output ?? [])]);
  const carried = new Set(sent.flatMap(({ id }) => (typeof id === "string" ? [id] : [])));
  const byName = new Map(rows.map((row) => [row["id"], row]));
  for (const id of carried) assert.equal(byName.get(id)?.["carried"], true, `${id} was carried`);
  // What only the wire has: the prompt by which the client lets its history be summed up.
  const lineless = rows.filter(({ uuid }) => uuid === null);
  assert.deepEqual(
    lineless.map(({ id }) => carried.has(String(id))),
    [false],
  );
  const remarks = rows.filter(({ id, uuid }) => uuid !== null && !isItem.has(String(id)));
  assert.deepEqual(
    new Set(remarks.map(({ type }) => type)),
    new Set(["compacted", "event_msg"]),
    "what the client did itself",
  );
  return `${new Set(lines.map(({ thread }) => thread)).size} threads, ${items.size} items, ${remarks.length} remarks`;
}

/** Every response is one exchange, and its tokens are those that the client noted. */
async function checkUsage(ctx: FlowContext, { folder }: CodexHome, provider: FakeOpenAi): Promise<void> {
  const rows = await ctx.sql(
    `SELECT response_id AS id, conversation_id AS thread, total_input_tokens::INT AS input, cache_read_tokens::INT AS cached,
            output_tokens::INT AS output
       FROM ai_gateway_exchanges WHERE output_tokens IS NOT NULL ORDER BY response_id`,
  );
  const noted = readRollouts(folder)
    .filter(({ type }) => type === "token_usage_record")
    .map(({ thread, payload }) => {
      const usage = payload["usage"] as Readonly<Record<string, number>>;
      return {
        id: String(payload["response_id"]),
        thread,
        input: usage["input_tokens"],
        cached: usage["cached_input_tokens"],
        output: usage["output_tokens"],
      };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(rows, noted);
  assert.deepEqual(
    new Set(rows.map(({ id }) => id)),
    new Set(provider.calls().flatMap(({ response }) => response?.id ?? [])),
  );
  const [usage] = await ctx.sql(
    `SELECT count(*) FILTER (json_extract(attributes, '$.usage') IS NOT NULL)::INT AS rows FROM ai_gateway_messages`,
  );
  assert.equal(usage?.["rows"], noted.length);
}
