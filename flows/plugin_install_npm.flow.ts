import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./lib/flow.ts";
import { writePlugin } from "./lib/plugin-folder.ts";
import { startWorkspaceRegistry } from "./lib/workspace-registry.ts";

export const title =
  "npm and a packed file: the version is pinned, no script runs, nothing leads out, a newer version is found";
export const timeoutMs = 180_000;

export default async function pluginInstallNpm(ctx: FlowContext): Promise<void> {
  const ran = join(ctx.folder, "script-ran");
  const folder = writePlugin(ctx, "hypaware-plugin-tool");
  const publish = (version: string): void => {
    const scripts = Object.fromEntries(
      ["preinstall", "install", "postinstall", "prepare", "prepack"].map((name) => [name, `touch ${ran}`]),
    );
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "hypaware-plugin-tool", version, scripts }),
    );
    const manifest = join(folder, "hypaware.plugin.json");
    writeFileSync(
      manifest,
      readFileSync(manifest, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`),
    );
  };
  publish("1.0.0");
  const registry = await startWorkspaceRegistry(ctx, { "hypaware-plugin-tool": folder });
  try {
    const env = { npm_config_registry: registry.url };
    const entry = (): Readonly<Record<string, unknown>> => {
      const lock = JSON.parse(readFileSync(join(ctx.state, "plugin-lock.json"), "utf8")) as {
        plugins: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      };
      return lock.plugins["hypaware-plugin-tool"] ?? {};
    };
    const source = "npm:hypaware-plugin-tool@1.0.0";
    assert.equal((await ctx.hyp(["plugin", "install", source], { env })).code, 2, "nobody is here to agree");
    const installed = await ctx.hyp(["plugin", "install", source, "--yes"], { env });
    assert.equal(installed.code, 0, installed.stderr);
    assert.deepEqual(entry()["source"], { kind: "npm", raw: source });
    assert.equal(entry()["resolved_ref"], "1.0.0");
    assert.ok(!existsSync(ran), "no script of it ran");
    const missing = await ctx.hyp(["plugin", "install", "npm:hypaware-plugin-gone@1.0.0", "--yes"], { env });
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /npm could not fetch hypaware-plugin-gone@1\.0\.0/);

    publish("1.1.0");
    const update = await ctx.hyp(["plugin", "update"], { env });
    assert.match(update.stdout, /hypaware-plugin-tool 1\.0\.0 → 1\.1\.0/);
    const { plugins } = JSON.parse((await ctx.hyp(["plugin", "outdated", "--json"], { env })).stdout) as {
      plugins: Readonly<Record<string, unknown>>[];
    };
    assert.deepEqual(Object.keys(plugins[0] ?? {}), ["name", "version", "latest_version", "checked_at"]);
  } finally {
    await registry.close();
  }

  // A tarball that would write outside, made by hand: `package/../../../escaped`.
  const evil = join(ctx.folder, "evil");
  await ctx.run("mkdir", ["-p", join(evil, "package")]);
  writeFileSync(join(evil, "escaped"), "out");
  writeFileSync(join(evil, "package", "index.mjs"), "");
  const tgz = join(ctx.folder, "evil.tgz");
  const packing = ["-P", "-czf", tgz, "package/index.mjs", "package/../escaped"];
  assert.equal((await ctx.run("tar", packing, { cwd: evil })).code, 0);
  const refused = await ctx.hyp(["plugin", "install", tgz, "--yes"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /it may not hold "package\/\.\.\/escaped"/);
}
