import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gatewayOnly } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title = "what hyp daemon install would write, for systemd and launchd, and what it refuses";

interface Shown {
  readonly platform: string;
  readonly label: string;
  readonly targetPath: string;
  readonly binPath: string;
  readonly configPath: string;
  readonly logDir: string;
  readonly nodePath: string;
  readonly content: string;
  readonly socketContent?: string;
  readonly manageCommands: readonly (readonly string[])[];
  readonly serviceKind: string;
  readonly unitName?: string;
  readonly unitDir?: string;
  readonly plistDir?: string;
}

export default async function daemonInstallRender(ctx: FlowContext): Promise<void> {
  const { url } = await ctx.fakeProvider();
  ctx.writeConfig(gatewayOnly({ url }, "127.0.0.1:18522"));
  const env = { CODEX_HOME: "/data/my codex", UNRELATED_SECRET: "never written down" };
  const shown = async (platform: string): Promise<Shown> => {
    const args = ["daemon", "install", "--dry-run", "--json", "--platform", platform];
    const { code, stdout, stderr } = await ctx.hyp(args, { env });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Shown;
  };
  const user = String(ctx.env["HOME"]);

  const linux = await shown("linux");
  assert.equal(linux.label, "hypaware");
  assert.equal(linux.serviceKind, "systemd-user");
  assert.equal(linux.unitName, "hypaware.service");
  assert.equal(linux.unitDir, join(user, ".config", "systemd", "user"));
  assert.equal(linux.targetPath, join(user, ".config", "systemd", "user", "hypaware.service"));
  assert.equal(linux.configPath, ctx.configPath);
  assert.equal(linux.logDir, join(ctx.state, "logs"));
  const command = [
    linux.nodePath,
    linux.binPath,
    "daemon",
    "run",
    "--foreground",
    "--config",
    ctx.configPath,
  ];
  assert.ok(linux.content.includes(`ExecStart=${command.map((word) => `"${word}"`).join(" ")}\n`));
  for (const line of [
    "Description=HypAware daemon (hypaware)",
    "Restart=always",
    "StartLimitIntervalSec=0",
    "WantedBy=default.target",
    `Environment="HYP_HOME=${ctx.home}"`,
    `StandardOutput=append:${join(ctx.state, "logs", "daemon.out.log")}`,
    `StandardError=append:${join(ctx.state, "logs", "daemon.err.log")}`,
  ])
    assert.ok(linux.content.split("\n").includes(line), `${line}\n${linux.content}`);
  assert.match(linux.socketContent ?? "", /^ListenStream=127\.0\.0\.1:18522$/m);
  assert.deepEqual(
    linux.manageCommands.map((words) => words.slice(0, 3).join(" ")),
    ["daemon-reload", "enable", "start", "restart"].map((verb) => `systemctl --user ${verb}`),
  );

  const darwin = await shown("darwin");
  assert.equal(darwin.label, "com.hyperparam.hypaware");
  assert.equal(darwin.serviceKind, "launchd");
  assert.equal(darwin.plistDir, join(user, "Library", "LaunchAgents"));
  assert.equal(darwin.targetPath, join(user, "Library", "LaunchAgents", "com.hyperparam.hypaware.plist"));
  for (const key of ["RunAtLoad", "KeepAlive"])
    assert.match(darwin.content, new RegExp(`<key>${key}</key>\\s*<true/>`));
  assert.equal(darwin.socketContent, undefined);

  // The variable that an adapter names, where that adapter runs; nothing else of the environment.
  for (const { content } of [linux, darwin]) {
    assert.ok(!content.includes("never written down"));
    assert.ok(!content.includes("/data/my codex"), "its adapter is not in this config");
  }
  ctx.writeConfig({ version: 2 });
  assert.ok((await shown("linux")).content.includes('Environment="CODEX_HOME=/data/my codex"'));

  const odd = await ctx.hyp(["daemon", "install", "--dry-run", "--platform", "win32"]);
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /unsupported platform: win32 \(only darwin and linux are supported\)/);

  const npx = join(ctx.folder, "_npx", "abc", "node_modules", "hypaware", "bin");
  mkdirSync(npx, { recursive: true });
  copyFileSync(linux.binPath, join(npx, "hyp.js"));
  const temporary = await ctx.hyp(["daemon", "install", "--bin", join(npx, "hyp.js")]);
  assert.equal(temporary.code, 1);
  assert.match(temporary.stderr, /npm install -g hypaware/);

  // No service manager answers in this flow's environment.
  const alone = await ctx.hyp(["daemon", "install"], { env: { XDG_RUNTIME_DIR: join(ctx.folder, "tmp") } });
  assert.equal(alone.code, 1, alone.stdout);
  assert.match(alone.stderr, /no service manager of this account answers/);
  assert.match(alone.stderr, /hyp daemon start/);
  assert.ok(!existsSync(join(user, ".config")), `nothing was written: ${readdirSync(user).join(", ")}`);
}
