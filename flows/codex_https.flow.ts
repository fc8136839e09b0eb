import assert from "node:assert/strict";
import { join } from "node:path";
import { headerOf, startFakeOpenAi } from "@hypaware/testkit";
import {
  comparableOutput,
  execArgs,
  findCodex,
  makeCodexHome,
  settings,
  signInWithChatGpt,
} from "./lib/codex.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { startTlsFront } from "./lib/tls-front.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real Codex, signed in, with its built-in provider at an HTTPS address before the gateway, with and without a WebSocket: carried, recorded, verified";
export const timeoutMs = 150_000;

export default async function codexHttps(ctx: FlowContext): Promise<void> {
  const client = findCodex();
  if (client === undefined) ctx.skip("no Codex: set HYP_TEST_CODEX to its binary, or HYP_TEST_CLIENTS");
  const front =
    (await startTlsFront(join(ctx.folder, "tls"))) ?? ctx.skip("no openssl to make a certificate");
  const provider = await startFakeOpenAi({ seed: "through" });
  try {
    ctx.writeConfig(
      withAdapters(await ctx.fakeProvider(), "127.0.0.1:0", {
        upstreams: ["openai", "chatgpt"].map((name) => ({ name, base_url: provider.url })),
        allowed_hosts: [`localhost:${front.port}`],
      }),
    );
    const daemon = await ctx.startDaemon();
    front.forwardTo(daemon.port);
    const home = makeCodexHome(
      join(ctx.folder, "home"),
      client,
      String(ctx.env["PATH"]),
      String(ctx.env["HOME"]),
    );
    signInWithChatGpt(home);
    const env = { ...home.env, CODEX_CA_CERTIFICATE: front.caFile };
    const backend = settings(`chatgpt_base_url="https://localhost:${front.port}/backend-api/"`);
    const codex = async (prompt: string): Promise<void> => {
      const ran = await ctx.run("codex", [...execArgs(prompt), ...backend], { env, cwd: home.project });
      assert.equal(ran.code, 0, `${prompt}: ${ran.stderr}${ran.stdout}`);
      const kinds = comparableOutput(ran.stdout).map((event) => (event as { type: string }).type);
      assert.ok(kinds.includes("turn.completed"), ran.stdout);
    };
    await codex("SAY:chain echo over-tls");
    provider.refuseSockets();
    await codex("SAY:chain echo without-socket");
    const calls = provider.calls();
    assert.deepEqual(
      calls.map(({ transport }) => transport),
      [...Array<string>(3).fill("websocket"), ...Array<string>(3).fill("http")],
    );
    const codings = calls.map(({ rawHeaders }) => headerOf(rawHeaders, "content-encoding"));
    assert.deepEqual(new Set(codings.slice(3)), new Set(["zstd"]), "how the client sends what it asks");
    const rows = await ctx.sql(
      `SELECT response_id AS id, output_tokens::INT AS output FROM ai_gateway_exchanges
        WHERE output_tokens IS NOT NULL ORDER BY 1`,
    );
    const sent = calls.flatMap(({ response }) => (response === undefined ? [] : [response.id]));
    assert.deepEqual(
      rows.map(({ id }) => id),
      sent.sort(),
      "each response is an exchange",
    );
    const { sessions } = await verified(ctx, "both");
    assert.equal(sessions, 2);
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`client ${client.version}: ${calls.length} calls over TLS`);
  } finally {
    await Promise.all([front.close(), provider.close()]);
  }
}
