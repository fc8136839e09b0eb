import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type FakeProvider, startFakeOpenAi } from "@hypaware/testkit";
import { type ClaudeHome, SETTINGS, findClaudeCode, makeClaudeHome, promptArgs } from "./lib/claude-code.ts";
import {
  againArgs,
  type CodexHome,
  execArgs,
  findCodex,
  makeCodexHome,
  settings,
  signInWithChatGpt,
  signInWithKey,
  threadOf,
  withVendor,
} from "./lib/codex.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";
import type { Finished } from "./lib/process.ts";
import { startTlsFront } from "./lib/tls-front.ts";

export const title =
  "the real Claude Code and Codex, attached by their own settings: they are recorded, and run as before when they are detached";
export const timeoutMs = 180_000;

export default async function attachReal(ctx: FlowContext): Promise<void> {
  const [claude, codex] = [findClaudeCode(), findCodex()];
  if (claude === undefined || codex === undefined)
    ctx.skip("no Claude Code or no Codex: set HYP_TEST_CLAUDE and HYP_TEST_CODEX, or HYP_TEST_CLIENTS");
  const path = String(ctx.env["PATH"]);
  const [anthropic, directAnthropic] = [
    await ctx.fakeProvider({ seed: "through" }),
    await ctx.fakeProvider({ seed: "direct" }),
  ];
  const [openai, directOpenAi] = [
    await startFakeOpenAi({ seed: "through" }),
    await startFakeOpenAi({ seed: "direct" }),
  ];
  const user = String(ctx.env["HOME"]);
  const vendor = (await startTlsFront(join(ctx.folder, "tls"))) ?? ctx.skip("no openssl for a certificate");
  vendor.forwardTo(Number(new URL(directOpenAi.url).port));
  try {
    const upstreams = [
      { name: "anthropic", base_url: anthropic.url },
      ...["openai", "chatgpt"].map((name) => ({ name, base_url: openai.url })),
    ];
    ctx.writeConfig(withAdapters(anthropic, "127.0.0.1:0", { upstreams }));
    const daemon = await ctx.startDaemon();

    const home = makeClaudeHome(join(ctx.folder, "claude"), claude, path, user);
    const prompt = async (text: string, env: object = {}): Promise<Finished> =>
      succeeded(
        text,
        await ctx.run("claude", promptArgs(text, []), { env: { ...home.env, ...env }, cwd: home.project }),
      );
    await prompt("SAY:text before", { ANTHROPIC_BASE_URL: directAnthropic.url });
    assert.equal((await ctx.hyp(["attach", "claude"])).code, 0);
    await prompt("SAY:text attached");
    assert.equal(await counted(ctx, "claude"), 1, "the attached session is recorded, the one before is not");
    assert.equal((await ctx.hyp(["detach", "claude"])).code, 0);
    assert.equal(readFileSync(home.settingsPath, "utf8"), SETTINGS);
    await prompt("SAY:text after", { ANTHROPIC_BASE_URL: directAnthropic.url });
    assert.equal(await counted(ctx, "claude"), 1);
    assert.equal(directAnthropic.requests().length, 2);
    const [hooked] = await ctx.sql(
      "SELECT count(*)::INT AS n FROM ai_gateway_exchanges WHERE client_name = 'claude' AND cwd IS NOT NULL",
    );
    assert.equal(hooked?.["n"], 1, "the hooks told where it was");

    const own = withVendor(makeCodexHome(join(ctx.folder, "codex"), codex, path, user), vendor);
    const config = join(own.folder, "config.toml");
    const original = readFileSync(config, "utf8");
    for (const [signIn, direct] of [
      [signInWithKey, settings(`openai_base_url="${directOpenAi.url}/v1"`)],
      [signInWithChatGpt, settings(`openai_base_url="${directOpenAi.url}/backend-api/codex"`)],
    ] as const) {
      signIn(own);
      const run = async (args: readonly string[]): Promise<Finished> =>
        succeeded(args.join(" "), await ctx.run("codex", args, { env: own.env, cwd: own.project }));
      const before = threadOf((await run([...execArgs("SAY:text before"), ...direct])).stdout);
      const recorded = await counted(ctx, "codex");
      assert.equal((await ctx.hyp(["attach", "codex"])).code, 0);
      const attached = threadOf((await run(execArgs("SAY:bash echo attached"))).stdout);
      // The client takes up the session from before by its id, and lists it.
      const again = await run(againArgs("resume", before, "SAY:text on"));
      assert.equal(threadOf(again.stdout), before);
      assert.ok((await listed(ctx, own)).includes(before), "it is in the list of codex resume");
      assert.ok((await counted(ctx, "codex")) > recorded, "recorded");
      // The client edits its own settings meanwhile, as it does without us.
      const added = ["mcp", "add", "tool", "--", "true"];
      await run(added);
      assert.equal((await ctx.hyp(["detach", "codex"])).code, 0);
      const detached = readFileSync(config, "utf8");
      writeFileSync(config, original);
      await run(added);
      assert.equal(
        detached,
        readFileSync(config, "utf8"),
        "what the client wrote itself stays, and nothing else",
      );
      writeFileSync(config, original);
      const after = await counted(ctx, "codex");
      // … nor is a session that was begun while attached lost.
      await run([...againArgs("resume", attached, "SAY:text after"), ...direct]);
      assert.equal(await counted(ctx, "codex"), after, "detached, nothing is recorded");
    }
    // Attached, and the daemon is gone: the client prefers its settings to its environment, so `hyp run` listens where they say.
    assert.equal((await ctx.hyp(["attach", "claude"])).code, 0);
    assert.equal((await daemon.stop()).code, 0);
    const args = ["run", "claude", "--", ...promptArgs("SAY:text alone", [])];
    succeeded("hyp run", await ctx.hyp(args, { env: home.env, cwd: home.project }));
    assert.equal(await counted(ctx, "claude"), 2);
    assert.equal((await ctx.hyp(["detach", "all"])).code, 0);
    assert.equal(readFileSync(home.settingsPath, "utf8"), SETTINGS);
    const proxied = await settledElsewhere(ctx, home, anthropic);
    ctx.note(
      `${proxied} Claude Code ${claude.version}, Codex ${codex.version} with key and with ChatGPT sign-in`,
    );
  } finally {
    await Promise.all([vendor.close(), openai.close(), directOpenAi.close()]);
  }
}

/** The client's settings name another address: a gateway that is gone, then a company's proxy, which gets the person's requests from us. */
async function settledElsewhere(
  ctx: FlowContext,
  { env, project, settingsPath }: ClaudeHome,
  provider: FakeProvider,
): Promise<string> {
  const run = async (text: string): Promise<Finished> =>
    succeeded(text, await ctx.hyp(["run", "claude", "--", ...promptArgs(text, [])], { env, cwd: project }));
  const settle = (address: string): void =>
    writeFileSync(settingsPath, JSON.stringify({ env: { ANTHROPIC_BASE_URL: address, FROM_SETTINGS: "1" } }));
  const before = await counted(ctx, "claude");
  settle(`http://127.0.0.1:${await freePort()}`);
  await run("SAY:text settings that name nobody");
  assert.equal(
    await counted(ctx, "claude"),
    before + 1,
    "recorded although its settings name another address",
  );
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === "IPv4" && !each.address.startsWith("127."));
  if (outside === undefined) return "no address but loopback: no company's proxy.";
  // What the config says of an upstream goes before what the person's settings say.
  ctx.writeConfig(withAdapters(provider, "127.0.0.1:0", { upstreams: [] }));
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request.url ?? "");
    const options = { method: request.method ?? "GET", headers: request.headers };
    request.pipe(
      forward(new URL((request.url ?? "").replace(/^\/own/, ""), provider.url), options, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }),
    );
  }).listen(0, outside.address);
  await once(proxy, "listening");
  try {
    settle(`http://${outside.address}:${(proxy.address() as AddressInfo).port}/own`);
    await run("SAY:text through the proxy of a company");
    assert.equal(await counted(ctx, "claude"), before + 2, "recorded on the way to the proxy");
    assert.ok(
      seen.length > 0 && seen.every((path) => path.startsWith("/own/")),
      `the proxy got ${seen.join(", ")}`,
    );
  } finally {
    proxy.close();
    proxy.closeAllConnections();
  }
  return "a company's proxy gets what its settings send it.";
}

function succeeded(what: string, finished: Finished): Finished {
  assert.equal(finished.code, 0, `${what}: ${finished.stderr}${finished.stdout}`);
  return finished;
}

async function counted(ctx: FlowContext, client: string): Promise<number> {
  const [row] = await ctx.sql(
    `SELECT count(*)::INT AS n FROM ai_gateway_exchanges WHERE client_name = '${client}' AND decode_status = 'projected'`,
  );
  return Number(row?.["n"]);
}

/** What the picker of `codex resume` shows, with runs without a terminal: asked of the client's own server. */
async function listed(ctx: FlowContext, { env, project }: CodexHome): Promise<readonly string[]> {
  const requests = [
    { id: 1, method: "initialize", params: { clientInfo: { name: "flow", title: "flow", version: "1" } } },
    { method: "initialized" },
    { id: 2, method: "thread/list", params: { limit: 50, sourceKinds: ["cli", "exec"] } },
  ];
  const input = requests.map((request) => JSON.stringify(request)).join("\n");
  const script = `(printf '%s\\n' '${input}'; sleep 5) | codex app-server`;
  const { stdout } = await ctx.run("sh", ["-c", script], { env, cwd: project });
  const answers = stdout.split("\n").filter((line) => line.startsWith("{"));
  const answer = answers.map(
    (line) => JSON.parse(line) as { id?: number; result?: { data?: readonly { id: string }[] } },
  );
  const list = answer.find(({ id }) => id === 2)?.result?.data ?? assert.fail(`no list: ${stdout}`);
  return list.map(({ id }) => id);
}
