import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatewayOnly } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { writePlugin } from "./lib/plugin-folder.ts";

export const title =
  "a folder is installed and pinned; damage, a bad name and a lock that cannot be read are told, and the rest works";
export const timeoutMs = 180_000;

interface Lock {
  readonly schema_version: number;
  readonly plugins: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export default async function pluginInstallLocalDir(ctx: FlowContext): Promise<void> {
  const lockPath = join(ctx.state, "plugin-lock.json");
  const lock = (): Lock => JSON.parse(readFileSync(lockPath, "utf8")) as Lock;
  const folder = writePlugin(ctx, "@me/tool", { permissions: ["network"] });
  ctx.writeConfig(gatewayOnly(await ctx.fakeProvider()));

  const installed = await ctx.hyp(["plugin", "install", folder]);
  assert.equal(installed.code, 0, installed.stderr);
  assert.match(installed.stderr, /uses the network/);
  assert.match(installed.stdout, /\{ "name": "@me\/tool" \}/, "it says which line to add");
  const entry = lock().plugins["@me/tool"];
  assert.equal(lock().schema_version, 1);
  assert.deepEqual(Object.keys(entry ?? {}), [
    "name",
    "version",
    "source",
    "install_dir",
    "content_hash",
    "manifest_hash",
    "installed_at",
  ]);
  assert.deepEqual(entry?.["source"], { kind: "local-dir", raw: folder, path: folder });

  const [span] = ctx.telemetry().spans("plugin.install");
  assert.equal(span?.status, "ok");
  assert.equal(span?.attributes["hyp_plugin"], "@me/tool");
  for (const name of ["plugin.artifact.copy", "plugin.artifact.validate"])
    assert.equal(ctx.telemetry().spans(name)[0]?.parent_id, span?.span_id, name);
  assert.equal(ctx.telemetry().logs("plugin.installed").length, 1);
  assert.deepEqual(
    ctx
      .telemetry()
      .metrics("hyp_plugin_installs_total")
      .map(({ value, attributes }) => [value, attributes["status"]]),
    [[1, "ok"]],
  );

  const enabled = await ctx.hyp(["plugin", "install", folder, "--enable"]);
  assert.equal(enabled.code, 0, enabled.stderr);
  assert.match(readFileSync(ctx.configPath, "utf8"), /"name": "@me\/tool"/);
  const listed = await ctx.hyp(["plugin", "list", "--json"]);
  const { plugins } = JSON.parse(listed.stdout) as { plugins: Readonly<Record<string, unknown>>[] };
  const { installed_at, ...mine } = plugins.find(({ name }) => name === "@me/tool") ?? {};
  assert.deepEqual(mine, { name: "@me/tool", version: "1.0.0", source: "installed", active: true });
  assert.equal(installed_at, entry?.["installed_at"]);

  // Somebody changes what was installed.
  appendFileSync(join(String(entry?.["install_dir"]), "index.mjs"), "\nthrow new Error('tampered');\n");
  const doctor = await ctx.hyp(["plugin", "doctor", "--json"]);
  assert.equal(doctor.code, 1);
  const { problems } = JSON.parse(doctor.stdout) as {
    problems: { plugin: string; kind: string; repair: string[] }[];
  };
  assert.deepEqual(
    problems.map(({ plugin, kind }) => [plugin, kind]),
    [["@me/tool", "plugin_changed"]],
  );
  assert.equal((await ctx.hyp(["query", "status"])).code, 0, "the rest works");
  const daemon = await ctx.startDaemon();
  await daemon.stop();
  const [program, ...args] = problems[0]?.repair[0]?.split(" ") ?? [];
  assert.equal(program, "hyp");
  assert.equal((await ctx.hyp(args)).code, 0, "the repair that is named repairs it");
  assert.equal((await ctx.hyp(["plugin", "doctor"])).code, 0);

  // What is refused leaves everything as it is.
  const before = readFileSync(lockPath, "utf8");
  const escaping = writePlugin(ctx, "../x", {}, "escaping");
  const refused = await ctx.hyp(["plugin", "install", escaping]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /expected a name like "my-plugin"/);
  const shadowing = await ctx.hyp(["plugin", "install", writePlugin(ctx, "@hypaware/raw", {}, "shadowing")]);
  assert.equal(shadowing.code, 1);
  assert.match(shadowing.stderr, /ships with HypAware/);
  assert.equal(readFileSync(lockPath, "utf8"), before);

  writeFileSync(lockPath, "{ broken");
  const unreadable = await ctx.hyp(["plugin", "install", folder]);
  assert.equal(unreadable.code, 1);
  assert.match(unreadable.stderr, /mv .*plugin-lock\.json/, "it says what to do next");
  assert.equal(readFileSync(lockPath, "utf8"), "{ broken", "and it is never overwritten");
  writeFileSync(lockPath, before);

  const removed = await ctx.hyp(["plugin", "remove", "@me/tool"]);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(lock().plugins, {});
  assert.doesNotMatch(readFileSync(ctx.configPath, "utf8"), /@me\/tool/);
  assert.equal((await ctx.hyp(["config", "validate"])).code, 0);
}
