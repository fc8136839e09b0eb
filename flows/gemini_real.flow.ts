import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeGemini } from "@hypaware/testkit";
import type { FakeGemini } from "@hypaware/testkit";
import { withAdapter } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { comparable, findGemini, type GeminiHome, makeGeminiHome, promptArgs } from "./lib/gemini.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Gemini CLI: its chats and the rows are one history, tokens equal the provider's account, output equals a run without us";
export const timeoutMs = 120_000;

interface Step {
  readonly prompt: string;
  /** Goes on with the session before. */
  readonly resumes?: boolean;
  readonly fails?: boolean;
}

const STEPS: readonly Step[] = [
  { prompt: "SAY:text hello there" },
  { prompt: "SAY:bash echo one" },
  { prompt: "SAY:parallel echo par", resumes: true },
  { prompt: "SAY:cut 1", resumes: true, fails: true },
  { prompt: "SAY:text after the cut", resumes: true },
  { prompt: "SAY:status 503 1" },
];
const SESSIONS = 3;

export default async function geminiReal(ctx: FlowContext): Promise<void> {
  const client = findGemini();
  if (client === undefined)
    ctx.skip("no Gemini CLI: set HYP_TEST_GEMINI to its program, or HYP_TEST_CLIENTS");
  const path = String(ctx.env["PATH"]);
  const [direct, through] = [await startFakeGemini(), await startFakeGemini()];
  try {
    ctx.writeConfig(withAdapter("gemini", { gemini: through }));
    const daemon = await ctx.startDaemon();
    const alone = makeGeminiHome(join(ctx.folder, "direct"), client, path, { url: direct.url });
    // The recorder reads the chats of the person whose they are.
    const home = String(ctx.env["HOME"]);
    const carried = makeGeminiHome(join(ctx.folder, "through"), client, path, { home });
    for (const step of STEPS) {
      await compare(ctx, step, alone, carried);
      await verified(ctx, step.prompt);
    }
    assert.deepEqual(kindsOf(through), kindsOf(direct), "requests");

    const { stdout } = await ctx.hyp(["verify", "gemini", "--json"]);
    const counts = checkSessions(JSON.parse(stdout) as Told);
    await checkExchanges(ctx, through);
    await checkMessages(ctx);
    const again = await ctx.hyp(["reproject", "--dry-run"]);
    assert.match(again.stdout, /\nno difference\n$/);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${counts}, ${through.calls().length} exchanges`);
  } finally {
    await Promise.all([direct.close(), through.close()]);
  }
}

async function compare(
  ctx: FlowContext,
  { prompt, resumes = false, fails = false }: Step,
  alone: GeminiHome,
  carried: GeminiHome,
): Promise<void> {
  const args = promptArgs(prompt, resumes);
  const [expected, actual] = await Promise.all([
    ctx.run("gemini", args, { env: alone.env, cwd: alone.project, timeoutMs: 60_000 }),
    ctx.hyp(["run", "gemini", "--", ...args], { env: carried.env, cwd: carried.project, timeoutMs: 60_000 }),
  ]);
  assert.equal(
    expected.code === 0,
    !fails,
    `${prompt}: the client alone: ${expected.stderr}${expected.stdout}`,
  );
  assert.equal(actual.code, expected.code, `${prompt}: exit code\n${actual.stderr}${actual.stdout}`);
  assert.deepEqual(comparable(actual.stdout), comparable(expected.stdout), `${prompt}: output`);
}

const kindsOf = (provider: FakeGemini): readonly unknown[] =>
  provider.calls().map(({ target, body, status }) => [target, body.contents?.length, status]);

/** Of `hyp verify`. */
interface Told {
  readonly records: readonly {
    readonly sessions: readonly {
      readonly messages: number;
      readonly linked: number;
      readonly responses: number;
      readonly by_nature: Readonly<Record<string, number>>;
      readonly differences: readonly unknown[];
    }[];
  }[];
}

function checkSessions({ records }: Told): string {
  const sessions = records.flatMap((record) => record.sessions);
  assert.equal(sessions.length, SESSIONS);
  for (const { messages, linked, differences } of sessions) {
    assert.deepEqual(differences, []);
    assert.equal(linked, messages, "every message of the chat was carried by an exchange");
  }
  const natures = sessions.flatMap(({ by_nature: counts }) => Object.keys(counts));
  assert.deepEqual(new Set(natures), new Set(["no_answer"]));
  const sum = (name: "messages" | "responses"): number => sessions.reduce((all, each) => all + each[name], 0);
  return `${sessions.length} sessions, ${sum("messages")} messages, ${sum("responses")} responses`;
}

/** Every request is one exchange, its tokens are those of its own answer, and all but the choices of a model belong to a session. */
async function checkExchanges(ctx: FlowContext, provider: FakeGemini): Promise<void> {
  const rows = await ctx.sql(
    `SELECT response_id AS id, request_class AS class, session_id IS NOT NULL AS told, input_tokens::INT AS input,
            cache_read_tokens::INT AS cached, output_tokens::INT AS output
       FROM ai_gateway_exchanges ORDER BY started_at, exchange_id`,
  );
  assert.equal(rows.length, provider.calls().length);
  assert.deepEqual(
    rows.filter(({ class: kind, told }) => (kind === "main") !== told),
    [],
  );
  const noted = provider.calls().flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  for (const { responseId: id, usage } of noted) {
    const {
      promptTokenCount,
      cachedContentTokenCount: cached,
      candidatesTokenCount,
      thoughtsTokenCount,
    } = usage;
    const row = rows.find((each) => each["id"] === id) ?? assert.fail(`no exchange for ${id}`);
    const isChoice = row["class"] === "router";
    const output = candidatesTokenCount + thoughtsTokenCount;
    assert.deepEqual(
      { ...row, told: !isChoice },
      { id, class: row["class"], told: !isChoice, input: promptTokenCount - cached, cached, output },
    );
  }
}

/** Each message once, and each of what was answered under the client's own name. */
async function checkMessages(ctx: FlowContext): Promise<void> {
  const rows = await ctx.sql(
    `SELECT message_id AS id, count(DISTINCT conversation_id)::INT AS conversations, any_value(previous_message_id) AS previous,
            any_value(provider_uuid) AS uuid, string_agg(content_text, ' ' ORDER BY part_index) AS text
       FROM ai_gateway_messages GROUP BY message_id`,
  );
  const names = new Set(rows.map(({ id }) => id));
  for (const { previous } of rows)
    for (const id of (previous as readonly string[] | null) ?? [])
      assert.ok(names.has(id), `no message ${id}`);
  assert.deepEqual(
    rows.filter(({ conversations }) => conversations !== 1),
    [],
  );
  // The client takes back a prompt that failed.
  const unnamed = rows.filter(({ uuid }) => uuid === null).map(({ text }) => text);
  assert.equal(unnamed.length, 2, `without a name of the client's: ${unnamed.join("; ")}`);
  assert.ok(unnamed.includes("SAY:cut 1"));
}
