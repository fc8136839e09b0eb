import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeOpenAi } from "@hypaware/testkit";
import {
  comparableOutput,
  customProvider,
  execArgs,
  findCodex,
  makeCodexHome,
  settings,
  signInWithChatGpt,
} from "./lib/codex.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Codex with a provider of the person's own, by key and signed in, with and without WebSockets, and an older model: output equals a run without us, hyp verify finds no difference";
export const timeoutMs = 150_000;

const PROMPT = "SAY:chain echo own";

interface Setup {
  readonly name: string;
  /** The client's arguments, for a provider or the gateway at this address. */
  readonly args: (url: string) => readonly string[];
  readonly transport: "http" | "websocket";
}

const withKey: readonly Setup[] = [
  {
    name: "an older model",
    args: (url) => [...customProvider(url), "-m", "gpt-5.1-codex"],
    transport: "http",
  },
  {
    name: "by key, on a WebSocket",
    args: (url) => own(`${url}/v1`, 'env_key="FAKE_KEY",supports_websockets=true'),
    transport: "websocket",
  },
];
const signedIn: readonly Setup[] = [
  {
    // It waits for its vendor's servers, which are not here: once is enough.
    name: "signed in, its account elsewhere",
    args: (url) => own(`${url}/backend-api/codex`, "requires_openai_auth=true"),
    transport: "http",
  },
  ...(["http", "websocket"] as const).map((transport) => ({
    name: `signed in, ${transport}`,
    args: (url: string) => [
      ...own(
        `${url}/backend-api/codex`,
        `requires_openai_auth=true,supports_websockets=${transport === "websocket"}`,
      ),
      ...settings(`chatgpt_base_url="${url}/backend-api/"`),
    ],
    transport,
  })),
];

export default async function codexSetups(ctx: FlowContext): Promise<void> {
  const client = findCodex();
  if (client === undefined) ctx.skip("no Codex: set HYP_TEST_CODEX to its binary, or HYP_TEST_CLIENTS");
  const [direct, through] = [
    await startFakeOpenAi({ seed: "direct" }),
    await startFakeOpenAi({ seed: "through" }),
  ];
  try {
    const upstreams = ["openai", "chatgpt"].map((name) => ({ name, base_url: through.url }));
    ctx.writeConfig(withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", { upstreams }));
    const daemon = await ctx.startDaemon();
    const path = String(ctx.env["PATH"]);
    const alone = makeCodexHome(join(ctx.folder, "direct"), client, path);
    const carried = makeCodexHome(join(ctx.folder, "through"), client, path, String(ctx.env["HOME"]));
    let messages = 0;
    const check = async ({ name, args, transport }: Setup): Promise<void> => {
      const before = through.calls().length;
      const [expected, actual] = await Promise.all(
        [
          { home: alone, url: direct.url },
          { home: carried, url: daemon.url },
        ].map(({ home: { env, project: cwd }, url }) =>
          ctx.run("codex", [...execArgs(PROMPT), ...args(url)], { env, cwd, timeoutMs: 60_000 }),
        ),
      );
      assert.ok(expected !== undefined && actual !== undefined);
      assert.equal(expected.code, 0, `${name}: the client alone: ${expected.stderr}${expected.stdout}`);
      assert.equal(actual.code, 0, `${name}: ${actual.stderr}${actual.stdout}`);
      assert.deepEqual(comparableOutput(actual.stdout), comparableOutput(expected.stdout), name);
      const ways = through.calls().map((call) => call.transport);
      assert.deepEqual(ways.slice(before), Array(3).fill(transport), name);
      ({ messages } = await verified(ctx, name));
    };
    for (const setup of withKey) await check(setup);
    for (const home of [alone, carried]) signInWithChatGpt(home);
    for (const setup of signedIn) await check(setup);
    const { sessions } = await verified(ctx, "all");
    assert.equal(sessions, withKey.length + signedIn.length);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${sessions} set-ups, ${messages} messages, no difference`);
  } finally {
    await Promise.all([direct.close(), through.close()]);
  }
}

/** Settings of a provider that the person added. */
const own = (baseUrl: string, more: string): readonly string[] =>
  settings(
    'model_provider="own"',
    `model_providers.own={name="Own",base_url="${baseUrl}",wire_api="responses",${more}}`,
  );
