import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { startFakeOpenAi } from "@hypaware/testkit";
import { findCodex, makeCodexHome, signInWithChatGpt, signInWithKey, withVendor } from "./lib/codex.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { KEYS, hasPty, startPty } from "./lib/pty.ts";
import { startTlsFront } from "./lib/tls-front.ts";

export const title =
  "the real Codex at a terminal, by both ways to sign in: attached, and started by hyp run, it begins, answers and is recorded";
export const timeoutMs = 180_000;

const HYP = join(import.meta.dirname, "..", "packages", "hypaware", "bin", "hyp.js");

/** What only the screen shows: without a terminal the client asks less before it begins, and works where this does not. */
export default async function codexTerminal(ctx: FlowContext): Promise<void> {
  const client = findCodex();
  if (client === undefined) ctx.skip("no Codex: set HYP_TEST_CODEX to its binary, or HYP_TEST_CLIENTS");
  if (!hasPty()) ctx.skip("no terminal can be made here (script)");
  const vendor = (await startTlsFront(join(ctx.folder, "tls"))) ?? ctx.skip("no openssl for a certificate");
  const provider = await startFakeOpenAi({ seed: "terminal" });
  vendor.forwardTo(Number(new URL(provider.url).port));
  try {
    const upstreams = ["openai", "chatgpt"].map((name) => ({ name, base_url: provider.url }));
    ctx.writeConfig(withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", { upstreams }));
    const daemon = await ctx.startDaemon();
    const made = makeCodexHome(
      join(ctx.folder, "home"),
      client,
      String(ctx.env["PATH"]),
      String(ctx.env["HOME"]),
    );
    const home = withVendor(made, vendor);
    const config = join(home.folder, "config.toml");
    const trusted = `\n[projects."${home.project}"]\ntrust_level = "trusted"\n`;
    writeFileSync(config, readFileSync(config, "utf8") + trusted);
    const env = { ...ctx.env, ...home.env };
    const screen = async (command: string, word: string): Promise<void> => {
      const pty = startPty(command, env, { cwd: home.project, timeoutMs: 60_000 });
      await pty.type(/Ask Codex to do anything/, `SAY:text ${word}`);
      await pty.type(new RegExp(word), KEYS.enter);
      // It comes in pieces, and the screen may have anything blank between them.
      await pty.type(new RegExp(`•\\s*${word.split("").join("\\s*")}`), KEYS.ctrlC);
      await pty.type(/./, KEYS.ctrlC);
      await pty.exited;
      const rows = await ctx.sql(
        `SELECT count(*)::INT AS n FROM ai_gateway_messages WHERE role = 'assistant' AND content_text = '${word}'
           AND json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL`,
      );
      // The client also asks for a name of the thread, and gets the same word.
      assert.ok(Number(rows[0]?.["n"]) >= 1, `${command}: ${word} was carried\n${pty.shown().slice(-2_000)}`);
    };
    for (const [signIn, name] of [
      [signInWithKey, "key"],
      [signInWithChatGpt, "subscription"],
    ] as const) {
      signIn(home);
      assert.equal((await ctx.hyp(["attach", "codex"], { env: home.env })).code, 0);
      await screen("codex", `attached${name}`);
      assert.equal((await ctx.hyp(["detach", "codex"], { env: home.env })).code, 0);
      await screen(`${process.execPath} ${HYP} run codex`, `started${name}`);
    }
    const verified = await ctx.hyp(["verify", "codex"]);
    assert.equal(verified.code, 0, verified.stdout);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${provider.calls().length} calls`);
  } finally {
    await Promise.all([vendor.close(), provider.close()]);
  }
}
