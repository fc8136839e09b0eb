import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";
import { daemonReady } from "./lib/daemon.ts";
import { eventually, start } from "./lib/process.ts";
import { startWorkspaceRegistry } from "./lib/workspace-registry.ts";

export const title =
  "from a packed hypaware in an empty folder: a new plugin passes its tests, is installed, and makes rows of an exchange";
export const timeoutMs = 240_000;

const PACKAGE = join(import.meta.dirname, "..", "packages", "hypaware");

const CLIENT = `#!/usr/bin/env node
const body = JSON.stringify({ conversation: "c2", messages: [{ role: "user", text: process.argv[2] }] });
const answer = await fetch(process.env.TALKER_BASE_URL + "/talker/v1/chat", { method: "POST", body });
console.log((await answer.json()).text);
`;

/** Answers as the template's API does: what was said last, in capitals. */
async function startTalker(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const { messages } = JSON.parse(body) as { messages: { text: string }[] };
      const text = messages.at(-1)?.text.toUpperCase();
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          id: `r${messages.length}`,
          model: "talker-1",
          text,
          tokens: { input: 3, output: 2 },
        }),
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

export default async function pluginNew(ctx: FlowContext): Promise<void> {
  const empty = join(ctx.folder, "empty");
  mkdirSync(empty);
  const registry = await startWorkspaceRegistry(ctx);
  const talker = await startTalker();
  try {
    const packing = await ctx.run("npm", ["pack", PACKAGE, "--ignore-scripts", "--silent"], { cwd: empty });
    assert.equal(packing.code, 0, packing.stderr);
    const [tarball = ""] = readdirSync(empty);
    writeFileSync(join(empty, "package.json"), '{"private":true}');
    const began = Date.now();
    const installing = await ctx.run(
      "npm",
      ["install", "--no-audit", "--no-fund", "--registry", registry.url, "--loglevel=error", `./${tarball}`],
      { cwd: empty, timeoutMs: 150_000 },
    );
    assert.equal(installing.code, 0, installing.stderr);
    ctx.note(`npm install of the packed hypaware ${((Date.now() - began) / 1000).toFixed(1)} s`);

    /** The installed command, not the one of this repository. */
    const bin = join(empty, "node_modules", ".bin", "hyp");
    const hyp = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await ctx.run(bin, args, { cwd: empty });
      assert.equal(code, 0, `hyp ${args.join(" ")}: ${stderr}${stdout}`);
      return stdout;
    };
    await hyp("plugin", "new", "@me/hypaware-plugin-talker");
    const folder = join(empty, "talker");
    const tests = await ctx.run("npm", ["test"], { cwd: folder });
    assert.equal(tests.code, 0, tests.stdout + tests.stderr);
    assert.match(tests.stdout, /pass 8\b/);

    const upstreams = [{ name: "talker", base_url: talker.url }];
    ctx.writeConfig({
      version: 2,
      plugins: [{ name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } }],
    });
    assert.match(
      await hyp("plugin", "install", "./talker", "--enable"),
      /enabled in .*hypaware-config\.json/,
    );
    assert.match(await hyp("plugin", "list"), /@me\/hypaware-plugin-talker\s+0\.1\.0\s+installed active/);
    assert.match(await hyp("config", "validate"), /config ok/);

    const daemon = await daemonReady(
      start(bin, ["daemon", "run", "--foreground", "--config", ctx.configPath], ctx.env, { cwd: empty }),
      ctx.state,
    );
    const said = (texts: readonly string[]): Promise<Response> =>
      fetch(`${daemon.url}/talker/v1/chat`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          conversation: "c1",
          model: "talker-1",
          messages: texts.map((text, index) => ({ role: index % 2 === 0 ? "user" : "assistant", text })),
        }),
      });
    assert.equal(((await (await said(["hello"])).json()) as { text: string }).text, "HELLO");
    assert.equal((await said(["hello", "HELLO", "again"])).status, 200);
    const rows = await eventually("both exchanges have their rows", async () => {
      const found = await ctx.sql(
        "SELECT role, content_text, provider FROM ai_gateway_messages WHERE conversation_id = 'c1' ORDER BY message_index",
      );
      return found.length === 4 ? found : undefined;
    });
    const row = (role: string, content_text: string) => ({ role, content_text, provider: "talker" });
    assert.deepEqual(rows, [
      row("user", "hello"),
      row("assistant", "HELLO"),
      row("user", "again"),
      row("assistant", "AGAIN"),
    ]);
    assert.deepEqual(
      await ctx.sql(
        "SELECT count(*)::INT AS n, sum(output_tokens)::INT AS tokens FROM ai_gateway_exchanges WHERE decode_status = 'projected'",
      ),
      [{ n: 2, tokens: 4 }],
    );

    const program = join(empty, "talker.mjs");
    writeFileSync(program, CLIENT, { mode: 0o755 });
    const client = await ctx.run(bin, ["run", "talker", "--", "hi there"], {
      cwd: empty,
      env: { HYP_TALKER_BIN: program },
    });
    assert.equal(client.code, 0, client.stderr);
    assert.equal(client.stdout.trim(), "HI THERE", "its client is started with the gateway's address");
    await daemon.stop();
  } finally {
    talker.close();
    await registry.close();
  }
}
