import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title =
  "attached twice is attached once, detached twice is what it was; refused without a gateway, with nothing written";
export const timeoutMs = 180_000;

const SEEDS = [
  {
    client: "claude",
    folder: ".claude",
    file: "settings.json",
    text: '{"env": {"ANTHROPIC_BASE_URL":"https://api.anthropic.com"}}\r\n',
  },
  {
    client: "codex",
    folder: ".codex",
    file: "config.toml",
    text: '# mine\nmodel_provider = "openai" # built in\n\n[mcp_servers.x]\ncommand = "x"',
  },
] as const;
const KEYS = {
  claude: {
    attach: ["settings_path", "port", "prev_value"],
    detach: ["settings_path", "removed", "restored_value"],
  },
  codex: { attach: ["config_path", "port", "base_url"], detach: ["config_path", "removed"] },
};

export default async function clientAttachIdempotent(ctx: FlowContext): Promise<void> {
  const home = String(ctx.env["HOME"]);
  const pathOf = ({ folder, file }: (typeof SEEDS)[number]): string => join(home, folder, file);
  for (const seed of SEEDS) {
    mkdirSync(join(home, seed.folder));
    writeFileSync(pathOf(seed), seed.text);
  }
  const json = async (args: readonly string[], code = 0): Promise<Readonly<Record<string, unknown>>> => {
    const finished = await ctx.hyp([...args, "--json"]);
    assert.equal(finished.code, code, `${args.join(" ")}: ${finished.stderr}${finished.stdout}`);
    return JSON.parse(finished.stdout) as Record<string, unknown>;
  };
  const untouched = (why: string): void => {
    for (const seed of SEEDS) assert.equal(readFileSync(pathOf(seed), "utf8"), seed.text, why);
  };

  // Nobody answers, then nobody could.
  ctx.writeConfig(withAdapters({ url: "https://api.anthropic.com" }, "127.0.0.1:1"));
  assert.equal((await json(["attach", "claude"], 1))["error_kind"], "gateway_unreachable");
  assert.match((await ctx.hyp(["attach", "codex"])).stderr, /Nothing answers on .*\n.*hyp up/);
  ctx.writeConfig({ version: 2, plugins: [] });
  for (const { client } of SEEDS) {
    const { error_kind: kind, error, ...rest } = await json(["attach", client], 1);
    assert.deepEqual([kind, rest["status"], rest["client"]], ["cap_missing", "failed", client]);
    assert.match(String(error), /attach requires the @hypaware\/ai-gateway plugin/);
    assert.equal((await json(["detach", client]))["changed"], false);
  }
  untouched("without a gateway");

  ctx.writeConfig(withAdapters({ url: "https://api.anthropic.com" }));
  const daemon = await ctx.startDaemon();
  const tried = await ctx.hyp(["attach", "all", "--dry-run"]);
  assert.match(tried.stdout, /\(dry-run\) Would attach Claude Code via /);
  assert.match(tried.stdout, /\n\+# BEGIN hypaware codex openai_base_url\n/);
  untouched("a dry run");
  for (const seed of SEEDS) {
    const { client } = seed;
    const first = await json(["attach", client]);
    assert.deepEqual(
      [first["status"], first["action"], first["changed"], first["dry_run"]],
      ["ok", "attach", true, false],
    );
    for (const key of KEYS[client].attach) assert.ok(key in first, `attach --json has ${key}`);
    const attached = readFileSync(pathOf(seed), "utf8");
    assert.equal((await json(["attach", client]))["changed"], false);
    assert.equal(readFileSync(pathOf(seed), "utf8"), attached, "attached twice");
    const back = await json(["unattach", client]);
    assert.deepEqual([back["status"], back["action"], back["changed"]], ["ok", "detach", true]);
    for (const key of KEYS[client].detach) assert.ok(key in back, `detach --json has ${key}`);
    assert.equal((await json(["detach", client]))["changed"], false);
  }
  untouched("byte for byte");

  // A company's proxy, which the gateway does not know.
  const claude = SEEDS[0];
  const proxied = '{"env": {"ANTHROPIC_BASE_URL": "https://proxy.example/anthropic"}}';
  writeFileSync(pathOf(claude), proxied);
  const refused = await ctx.hyp(["attach"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /\{"name":"anthropic","base_url":"https:\/\/proxy\.example\/anthropic"\}/);
  assert.equal(readFileSync(pathOf(claude), "utf8"), proxied);
  assert.equal((await ctx.hyp(["attach", "--replace"])).code, 0);
  // The way out needs neither config nor daemon.
  assert.equal((await daemon.stop()).code, 0);
  writeFileSync(ctx.configPath, "{ broken");
  const out = await ctx.hyp(["detach", "all"]);
  assert.equal(out.code, 0, out.stderr);
  assert.match(out.stdout, /Restored ANTHROPIC_BASE_URL=https:\/\/proxy\.example\/anthropic/);
  assert.equal(readFileSync(pathOf(claude), "utf8"), proxied);
  assert.ok(!existsSync(join(home, ".config")), "no client's folder came into being");

  const telemetry = ctx.telemetry();
  const failures = telemetry.spans("client.attach").filter(({ status }) => status === "failed");
  assert.deepEqual(
    failures.map(({ attributes }) => attributes["error_kind"]),
    ["foreign_address"],
  );
  assert.ok(
    telemetry.logs("client.detach.write").some(({ attributes }) => attributes["config_path"] !== undefined),
  );
}
