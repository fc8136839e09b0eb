import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { headerOf, requestJson } from "@hypaware/testkit";
import type { FakeProvider } from "@hypaware/testkit";
import type { Daemon } from "./lib/daemon.ts";
import { withAdapter } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { comparable, findOpencode, makeOpencodeHome, type OpencodeHome, promptArgs } from "./lib/opencode.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real opencode: its database and the rows are one history, tokens equal the provider's account, output equals a run without us";
export const timeoutMs = 240_000;

interface Run {
  readonly prompt: string;
  readonly daemon: boolean;
  /** Forks the session of the run before it. */
  readonly isFork?: true;
}

/** Of a client that is started without us, and of one that we start. */
interface Homes {
  readonly alone: OpencodeHome;
  readonly carried: OpencodeHome;
}

const RUNS: readonly Run[] = [
  { prompt: "SAY:text hello there", daemon: false },
  { prompt: "SAY:agent SAY:bash echo from-helper", daemon: true },
  { prompt: "SAY:parallel echo par", daemon: true },
  { prompt: "SAY:text in a fork", daemon: true, isFork: true },
  { prompt: "SAY:text in a fork of the fork", daemon: true, isFork: true },
];

export default async function opencodeReal(ctx: FlowContext): Promise<void> {
  const binary = findOpencode();
  if (binary === undefined) ctx.skip("no opencode: set HYP_TEST_CLIENTS to a folder of installed clients");
  const path = String(ctx.env["PATH"]);
  const direct = await ctx.fakeProvider({ seed: "direct" });
  const through = await ctx.fakeProvider({ seed: "through" });
  ctx.writeConfig(withAdapter("opencode", { anthropic: through }));

  let daemon: Daemon | undefined;
  let homes: Homes | undefined;
  for (const [i, { prompt, ...run }] of RUNS.entries()) {
    if (run.daemon) daemon ??= await ctx.startDaemon();
    if (run.isFork !== true) {
      const [aloneFolder, carriedFolder] = [
        join(ctx.folder, `direct-${i}`),
        join(ctx.folder, `through-${i}`),
      ];
      homes = {
        alone: makeOpencodeHome(join(aloneFolder, "home"), aloneFolder, binary, path, direct.url),
        // The recorder reads the database of the person whose it is.
        carried: makeOpencodeHome(String(ctx.env["HOME"]), carriedFolder, binary, path),
      };
    }
    const { alone, carried }: Homes = homes ?? assert.fail("the first run is no fork");
    const args = [...promptArgs(prompt), ...(run.isFork === true ? ["--continue", "--fork"] : [])];
    const expected = await ctx.run("opencode", args, { env: alone.env, cwd: alone.project });
    const actual = await ctx.hyp(["run", "opencode", "--", ...args], {
      env: carried.env,
      cwd: carried.project,
    });
    assert.equal(expected.code, 0, `the client alone fails: ${expected.stderr}${expected.stdout}`);
    assert.equal(actual.code, 0, `${prompt}: exit code\n${actual.stderr}${actual.stdout}`);
    assert.deepEqual(comparable(actual.stdout), comparable(expected.stdout), `${prompt}: output`);
    await verified(ctx, prompt);
    for (const { settingsPath, settings } of [alone, carried])
      assert.equal(
        readFileSync(settingsPath, "utf8"),
        settings,
        "the client's settings are byte for byte its own",
      );
  }

  // The title and the first answer are asked for at the same moment.
  assert.deepEqual(kindsOf(through), kindsOf(direct), "requests");
  const { stdout } = await ctx.hyp(["verify", "opencode", "--json"]);
  const { records } = JSON.parse(stdout) as {
    records: {
      sessions: { messages: number; linked: number; responses: number; differences: unknown[] }[];
    }[];
  };
  const sessions = records.flatMap((record) => record.sessions);
  // An agent's messages belong to the session that began it.
  assert.equal(sessions.length, RUNS.length);
  for (const { messages, linked, differences } of sessions) {
    assert.deepEqual(differences, []);
    assert.equal(linked, messages, "every message of the database was carried by an exchange");
  }
  await checkExchanges(ctx, through);
  await checkForks(ctx);
  const messages = sessions.reduce((sum, session) => sum + session.messages, 0);
  ctx.note(`${sessions.length} sessions, ${messages} messages, ${through.requests().length} exchanges`);
}

/** Each names the session that it left, which is the newest before it. */
async function checkForks(ctx: FlowContext): Promise<void> {
  const forks = await ctx.sql(
    `SELECT session_id, json_extract_string(attributes, '$.gateway.forked_from') AS forked_from
       FROM (SELECT *, json_extract_string(attributes, '$.gateway.session_id') AS session_id FROM ai_gateway_messages)
      WHERE provider_uuid IS NOT NULL GROUP BY ALL ORDER BY max(message_created_at)`,
  );
  const ids = forks.map(({ session_id }) => session_id);
  assert.deepEqual(
    forks.map(({ forked_from }) => forked_from),
    RUNS.map(({ isFork }, i) => (isFork === true ? ids[i - 1] : null)),
  );
}

function kindsOf(provider: FakeProvider): readonly string[] {
  const kinds = provider.requests().map((exchange) => {
    const { messages, model, tools } = requestJson(exchange) as Record<string, readonly unknown[]>;
    return JSON.stringify([exchange.method, exchange.target, model, messages?.length, tools?.length]);
  });
  return kinds.sort();
}

/** Every request is one exchange, and its tokens are those of its own answer. */
async function checkExchanges(ctx: FlowContext, provider: FakeProvider): Promise<void> {
  const rows = await ctx.sql(
    `SELECT request_id, session_id, agent_id, request_class, decode_status, client_name, input_tokens, cache_read_tokens,
            cache_write_tokens, output_tokens
       FROM ai_gateway_exchanges ORDER BY request_id`,
  );
  const expected = provider.requests().map((exchange) => {
    const { usage, requestId } = exchange.generation ?? assert.fail(`unforeseen call ${exchange.target}`);
    const session = headerOf(exchange.rawHeaders, "x-session-id");
    const parent = headerOf(exchange.rawHeaders, "x-parent-session-id");
    const isTitle = (requestJson(exchange) as { tools?: unknown[] }).tools === undefined;
    return {
      request_id: requestId,
      session_id: parent ?? session,
      agent_id: parent === undefined ? null : session,
      request_class: isTitle ? "title" : parent === undefined ? "main" : "subagent",
      decode_status: "projected",
      client_name: "opencode",
      input_tokens: usage.input_tokens,
      cache_read_tokens: usage.cache_read_input_tokens,
      cache_write_tokens: usage.cache_creation_input_tokens,
      output_tokens: usage.output_tokens,
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
