import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";
import { writePlugin } from "./lib/plugin-folder.ts";

export const title =
  "git: nothing without agreement, the commit is pinned, a newer one is found and installed; no credential is kept";
export const timeoutMs = 180_000;

export default async function pluginInstallGitUrl(ctx: FlowContext): Promise<void> {
  const work = writePlugin(ctx, "tool", { permissions: ["network"] });
  const author = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"];
  const git = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctx.run("git", [...author, ...args], { cwd: work });
    assert.equal(code, 0, `git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const bare = join(ctx.folder, "tool.git");
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "-m", "one");
  const first = await git("rev-parse", "HEAD");
  await git("clone", "--quiet", "--bare", ".", bare);
  const url = `file://${bare}`;
  const lockPath = join(ctx.state, "plugin-lock.json");
  const entry = (): Readonly<Record<string, unknown>> => {
    const { plugins } = JSON.parse(readFileSync(lockPath, "utf8")) as { plugins: { tool: object } };
    return plugins.tool as Readonly<Record<string, unknown>>;
  };

  const asked = await ctx.hyp(["plugin", "install", url]);
  assert.equal(asked.code, 2, "nobody is here to agree");
  for (const words of [
    "About to install plugin tool@1.0.0",
    "uses the network",
    "No ref is given",
    first,
    "--yes",
  ])
    assert.ok(asked.stderr.includes(words), `${words} in ${asked.stderr}`);
  assert.ok(!readdirSync(ctx.state).includes("plugin-lock.json"));

  const installed = await ctx.hyp(["plugin", "install", url, "--yes"]);
  assert.equal(installed.code, 0, installed.stderr);
  assert.deepEqual(entry()["source"], { kind: "git", raw: url, gitUrl: url });
  assert.equal(entry()["resolved_ref"], first);
  const telemetry = ctx.telemetry();
  for (const name of ["plugin.git.clone", "plugin.git.resolve_ref", "plugin.git.checkout"])
    assert.deepEqual(
      telemetry.spans(name).map(({ status }) => status),
      ["ok", "ok"],
      name,
    );
  const installs = telemetry
    .spans("plugin.install")
    .map(({ status, attributes }) => [status, attributes["confirmation"] ?? attributes["error_kind"]]);
  assert.equal(installs.length, 2);
  for (const expected of ["failed,remote_install_confirmation_required", "ok,auto_yes"])
    assert.ok(installs.map(String).includes(expected), expected);

  const manifest = join(work, "hypaware.plugin.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace("1.0.0", "1.1.0"));
  await git("commit", "--quiet", "--all", "-m", "two");
  await git("push", "--quiet", bare, "main");
  const second = await git("rev-parse", "HEAD");
  const early = await ctx.hyp(["plugin", "outdated", "--json"]);
  assert.deepEqual(JSON.parse(early.stdout), { plugins: [] }, "right after an install nobody is asked");
  const checked = await ctx.hyp(["plugin", "update"]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.ok(checked.stdout.includes(second), checked.stdout);
  const outdated = JSON.parse((await ctx.hyp(["plugin", "outdated", "--json"])).stdout) as {
    plugins: Readonly<Record<string, unknown>>[];
  };
  assert.deepEqual(
    outdated.plugins.map(({ name, version, latest_ref }) => [name, version, latest_ref]),
    [["tool", "1.0.0", second]],
  );
  const gauge = ctx
    .telemetry()
    .metrics("hyp_plugin_updates_available")
    .map(({ value }) => value);
  assert.deepEqual([gauge.length, Math.max(...gauge)], [3, 1]);
  assert.equal((await ctx.hyp(["plugin", "update", "tool", "--yes"])).code, 0);
  assert.equal(entry()["version"], "1.1.0");
  assert.equal(entry()["resolved_ref"], second);

  // A password in a URL: git gets it, and nothing that stays or is shown does.
  const secret = "hunter2-of-the-flow";
  const failed = await ctx.hyp(["plugin", "install", `http://me:${secret}@127.0.0.1:1/x.git`, "--yes"]);
  assert.equal(failed.code, 1);
  const said = [failed.stdout, failed.stderr, JSON.stringify(ctx.telemetry().logs())];
  for (const folder of ["logs", "dev-telemetry"])
    for (const file of readdirSync(join(ctx.state, folder)))
      said.push(readFileSync(join(ctx.state, folder, file), "utf8"));
  assert.ok(!said.join().includes(secret), "the password is nowhere");
}
