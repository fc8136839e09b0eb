import assert from "node:assert/strict";
import { join } from "node:path";
import { headerOf, requestJson } from "@hypaware/testkit";
import type { FakeProvider } from "@hypaware/testkit";
import { findAllClaudeCode, makeClaudeHome, promptArgs } from "./lib/claude-code.ts";
import type { ClaudeCode, ClaudeResult } from "./lib/claude-code.ts";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "the real Claude Code through us has the tool search and the context window that it has at its vendor's own address";
export const timeoutMs = 180_000;

/** What the client leaves out of a request depends on where it believes to send it. */
interface Features {
  readonly tools: number;
  readonly toolBytes: number;
  readonly contextWindow: unknown;
  readonly betas: readonly string[];
  /** Headers made for gateways: they say which prompt a request belongs to. */
  readonly hasHints: boolean;
}

/** Internal to the client: treats any base URL as its vendor's own. What it sends then is what there is to lose. */
const AS_AT_THE_VENDOR = { _CLAUDE_CODE_ASSUME_FIRST_PARTY_BASE_URL: "1" };

export default async function claudeCodeFeatures(ctx: FlowContext): Promise<void> {
  const clients = findAllClaudeCode();
  if (clients.length === 0)
    ctx.skip("no Claude Code: set HYP_TEST_CLAUDE to its binary, or HYP_TEST_CLIENTS");
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(withAdapters(provider));
  for (const client of clients) {
    const at = (name: string) =>
      makeClaudeHome(join(ctx.folder, `${client.version}-${name}`), client, String(ctx.env["PATH"]));
    const alone = async (name: string, env: Readonly<Record<string, string>>): Promise<Features> => {
      const home = at(name);
      const options = { env: { ...home.env, ...env, ANTHROPIC_BASE_URL: provider.url }, cwd: home.project };
      return featuresOf(provider, (await ctx.run("claude", promptArgs("hello", []), options)).stdout);
    };
    const vendor = await alone("vendor", AS_AT_THE_VENDOR);
    const bare = await alone("bare", {});
    const home = at("through");
    const args = ["run", "claude", "--", ...promptArgs("hello", [])];
    const through = featuresOf(provider, (await ctx.hyp(args, { env: home.env, cwd: home.project })).stdout);
    assert.deepEqual(
      [through.tools, through.toolBytes, through.contextWindow],
      [vendor.tools, vendor.toolBytes, vendor.contextWindow],
      `${client.version}: tools, their bytes, context window`,
    );
    ctx.note(lineOf(client, vendor, bare, through));
  }
}

function featuresOf(provider: FakeProvider, stdout: string): Features {
  const sent = provider.requests().find(({ generation }) => generation !== undefined);
  assert.ok(sent !== undefined, `nothing was asked: ${stdout}`);
  provider.reset();
  const { tools = [] } = requestJson(sent) as { tools?: readonly object[] };
  const { modelUsage } = JSON.parse(stdout) as ClaudeResult;
  return {
    tools: tools.length,
    toolBytes: JSON.stringify(tools).length,
    contextWindow: Object.values(modelUsage)[0]?.["contextWindow"],
    betas: (headerOf(sent.rawHeaders, "anthropic-beta") ?? "").split(","),
    hasHints: headerOf(sent.rawHeaders, "x-claude-code-prompt-id") !== undefined,
  };
}

function lineOf({ version }: ClaudeCode, vendor: Features, bare: Features, through: Features): string {
  const tools = ({ tools: count, toolBytes, hasHints }: Features): string =>
    `${count} tools of ${(toolBytes / 1_000).toFixed(1)} KB${hasHints ? ", gateway headers" : ""}`;
  const lost = vendor.betas.filter((beta) => !through.betas.includes(beta));
  return `${version}: at its vendor's ${tools(vendor)}; a base URL alone ${tools(bare)}; through us ${tools(through)}; window ${String(through.contextWindow)}; betas not sent: ${lost.join(" ") || "none"}`;
}
