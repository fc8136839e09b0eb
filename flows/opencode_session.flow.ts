import assert from "node:assert/strict";
import { join } from "node:path";
import { startFakeGemini, startFakeOpenAi } from "@hypaware/testkit";
import { withAdapter } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { freePort } from "./lib/free-port.ts";
import { findOpencode, makeOpencodeHome, MODEL, promptArgs, sessionOf } from "./lib/opencode.ts";
import { eventually } from "./lib/process.ts";
import { verified } from "./lib/verified.ts";

export const title =
  "the real opencode takes a session up, leaves it by a fork, sums it up, and asks in each provider's shape: hyp verify finds no difference after any of it";
export const timeoutMs = 180_000;

export default async function opencodeSession(ctx: FlowContext): Promise<void> {
  const binary = findOpencode();
  if (binary === undefined) ctx.skip("no opencode: set HYP_TEST_CLIENTS to a folder of installed clients");
  const anthropic = await ctx.fakeProvider({ seed: "session" });
  const openai = await startFakeOpenAi({ seed: "session" });
  const gemini = await startFakeGemini({ seed: "session" });
  try {
    ctx.writeConfig(withAdapter("opencode", { anthropic, openai, gemini }));
    const daemon = await ctx.startDaemon();
    const home = String(ctx.env["HOME"]);
    const person = makeOpencodeHome(home, join(ctx.folder, "person"), binary, String(ctx.env["PATH"]));
    const env = { ...person.env, OPENCODE_CONFIG_CONTENT: JSON.stringify(othersAt(daemon.url)) };
    const opencode = async (...args: readonly string[]): Promise<string> => {
      const options = { env, cwd: person.project, timeoutMs: 60_000 };
      const { code, stdout, stderr } = await ctx.hyp(["run", "opencode", "--", ...args], options);
      assert.equal(code, 0, `${args.join(" ")}: ${stderr}${stdout}`);
      await verified(ctx, args.join(" "));
      return stdout;
    };
    const session = sessionOf(await opencode(...promptArgs("SAY:bash echo one")));
    await opencode(...promptArgs("SAY:parallel echo two"), "--session", session);
    await opencode(...promptArgs("SAY:text in a fork"), "--session", session, "--fork");

    // What its terminal interface talks to: only there it sums up when it is asked to.
    const port = String(await freePort());
    const serve = ["run", "opencode", "--", "serve", "--port", port];
    const server = ctx.startHyp(serve, { env, cwd: person.project });
    await server.waitForOutput(/listening/);
    const ask = async (path: string, body?: object): Promise<unknown> => {
      const url = `http://127.0.0.1:${port}/session${path}`;
      const headers = { "content-type": "application/json" };
      const sent = body && { method: "POST", headers, body: JSON.stringify(body) };
      const answer = await fetch(url, { ...sent, signal: AbortSignal.timeout(30_000) });
      const text = await answer.text();
      assert.equal(answer.status, 200, `${path}: ${text}`);
      if (body !== undefined) await verified(ctx, `${path} ${JSON.stringify(body)}`);
      return JSON.parse(text);
    };
    // It takes no work before it has looked around.
    await eventually("the client's server answers", () => ask(""));
    const prompt = (model: Model, text: string): object => ({ model, parts: [{ type: "text", text }] });
    await ask(`/${session}/summarize`, ANTHROPIC);
    await ask(`/${session}/message`, prompt(ANTHROPIC, "SAY:bash echo after"));
    for (const [model, text] of OTHERS) {
      const { id } = (await ask("", {})) as { readonly id: string };
      await ask(`/${id}/message`, prompt(model, text));
    }
    server.signal("SIGTERM");
    await server.exited;
    const { sessions, messages } = await verified(ctx, "all");
    assert.equal(sessions, 2 + OTHERS.length);
    const exchanges = await ctx.sql(
      `SELECT provider, request_class AS class, count(*)::INT AS calls FROM ai_gateway_exchanges
        WHERE request_class <> 'title' AND decode_status = 'projected' GROUP BY ALL ORDER BY ALL`,
    );
    assert.deepEqual(exchanges, [
      { provider: "anthropic", class: "compaction", calls: 1 },
      { provider: "anthropic", class: "main", calls: 7 },
      { provider: "google", class: "main", calls: 1 },
      { provider: "openai", class: "main", calls: 7 },
    ]);
    const renamed = await ctx.sql("SELECT message_id FROM ai_gateway_messages WHERE tool_name = 'invalid'");
    assert.deepEqual(renamed, [], "calls as the client sent them back");
    assert.equal((await daemon.stop()).code, 0);
    ctx.note(`${sessions} sessions, ${messages} messages, no difference`);
  } finally {
    await Promise.all([openai.close(), gemini.close()]);
  }
}

interface Model {
  readonly providerID: string;
  readonly modelID: string;
}

const ANTHROPIC: Model = { providerID: "anthropic", modelID: MODEL };
/** Responses, Chat Completions, and `generateContent`. */
const OTHERS: readonly (readonly [Model, text: string])[] = [
  [{ providerID: "openai", modelID: "gpt-5.1" }, "SAY:bash echo items"],
  // Of a tool that the client does not have: it keeps the call, and sends it back, as one of its own.
  [{ providerID: "openai", modelID: "gpt-5.1" }, "SAY:agent hello"],
  [{ providerID: "chat", modelID: "m" }, "SAY:bash echo chat"],
  [{ providerID: "google", modelID: "gemini-3-flash" }, "SAY:text hello there"],
];

/** Settings of the providers that are asked in another shape. */
function othersAt(gateway: string): object {
  const options = { apiKey: "sk-test-key-for-the-fake-0000" };
  const model = (name: string): object => ({
    [name]: { name, tool_call: true, limit: { context: 200_000, output: 8_000 } },
  });
  return {
    provider: {
      openai: { options, models: model("gpt-5.1") },
      google: { options, models: model("gemini-3-flash") },
      chat: {
        npm: "@ai-sdk/openai-compatible",
        options: { ...options, baseURL: `${gateway}/v1` },
        models: model("m"),
      },
    },
  };
}
