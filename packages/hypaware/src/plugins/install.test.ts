import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { HypError } from "../contract/errors.ts";
import { manifestOf, pluginFolder, temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { installPlugin } from "./install.ts";
import { isIntact } from "./installed.ts";
import { readPluginLock } from "./plugin-lock.ts";
import { git, pluginWorld, refusal, sourceOf } from "./plugin-world.testkit.ts";
import { removePlugin } from "./remove.ts";
import { updatePlugin } from "./update.ts";

/** A repository with two commits; `v1` is a tag of the first, `main` stands on the second. */
function repository(): {
  readonly url: string;
  readonly first: string;
  readonly second: string;
  readonly work: string;
} {
  const work = pluginFolder("tool", { version: "1.0.0" });
  git(work, "init", "--quiet", "--initial-branch=main");
  const commit = (message: string): string => {
    git(work, "add", "--all");
    git(work, "commit", "--quiet", "-m", message);
    return git(work, "rev-parse", "HEAD");
  };
  const first = commit("one");
  git(work, "tag", "-a", "v1", "-m", "v1");
  writeFileSync(
    join(work, "hypaware.plugin.json"),
    JSON.stringify(manifestOf("tool", { version: "1.1.0", permissions: ["network"] })),
  );
  cpSync(join(work, "index.mjs"), join(work, "deep/er/index.mjs"));
  writeFileSync(join(work, "deep/er/hypaware.plugin.json"), JSON.stringify(manifestOf("deep")));
  const second = commit("two");
  const bare = join(temporaryFolder(), "tool.git");
  git(work, "clone", "--quiet", "--bare", work, bare);
  git(work, "remote", "add", "origin", bare);
  return { url: `file://${bare}`, first, second, work };
}

test("a folder is copied, pinned, and asked about by nobody; the same again changes nothing", async () => {
  const world = pluginWorld();
  const folder = pluginFolder("@me/tool", { permissions: ["network"] });
  const { entry, outcome, candidate } = await installPlugin(sourceOf(folder), world);
  expect(outcome).toBe("installed");
  expect(candidate.warnings).toEqual(["It says that it uses the network by itself."]);
  expect(entry).toMatchObject({
    name: "@me/tool",
    version: "1.0.0",
    source: { kind: "local-dir", raw: folder, path: folder },
    installed_at: "2026-03-01T12:00:00.000Z",
  });
  expect(await readPluginLock(world.paths)).toEqual({ schema_version: 1, plugins: { "@me/tool": entry } });
  expect(readdirSync(world.paths.pluginCode)).toHaveLength(1);
  expect(readdirSync(join(world.paths.tmp, "plugin-fetch"))).toEqual([]);
  expect(await isIntact(entry)).toBe(true);
  expect((await installPlugin(sourceOf(folder), world)).outcome).toBe("unchanged");

  const twin = pluginFolder("@me/tool", { version: "2.0.0" });
  const elsewhere = {
    ...world,
    consent: () => Promise.reject(new HypError("remote_install_rejected", "no")),
  };
  expect(await refusal(installPlugin(sourceOf(twin), elsewhere))).toBe("remote_install_rejected");
  const another = await installPlugin(sourceOf(twin), world);
  expect(another.candidate.warnings).toEqual([
    `It takes the place of @me/tool 1.0.0, which came from ${folder}.`,
  ]);
  expect((await installPlugin(sourceOf(folder), world)).outcome).toBe("replaced");

  writeFileSync(join(folder, "index.mjs"), "export const activate = () => 1;");
  const next = await updatePlugin("@me/tool", world);
  expect(next.outcome).toBe("replaced");
  expect(next.entry.content_hash).not.toBe(entry.content_hash);
  expect(readdirSync(world.paths.pluginCode)).toEqual([next.entry.install_dir.split("/").at(-1)]);

  await removePlugin("@me/tool", world.paths, world.observer);
  expect(readdirSync(world.paths.pluginCode)).toEqual([]);
  expect(await refusal(removePlugin("@me/tool", world.paths, world.observer))).toBe("plugin_not_installed");
  expect(world.records.map(({ event }) => event)).toEqual([
    "plugin.installed",
    "plugin.installed",
    "plugin.install.failed",
    "plugin.installed",
    "plugin.installed",
    "plugin.installed",
    "plugin.removed",
  ]);
});

test.each<[string, string, (folder: string) => void]>([
  [
    "a name that leads out",
    "manifest_invalid",
    (folder) => writeFileSync(join(folder, "hypaware.plugin.json"), JSON.stringify(manifestOf("../x"))),
  ],
  [
    "an entry point that leads out",
    "manifest_invalid",
    (folder) =>
      writeFileSync(
        join(folder, "hypaware.plugin.json"),
        JSON.stringify(manifestOf("x", { entrypoint: "../../x.mjs" })),
      ),
  ],
  ["an entry point that is not there", "manifest_invalid", (folder) => rmSync(join(folder, "index.mjs"))],
  [
    "another interface",
    "manifest_invalid",
    (folder) =>
      writeFileSync(
        join(folder, "hypaware.plugin.json"),
        JSON.stringify(manifestOf("x", { hypaware_api: "^9.0.0" })),
      ),
  ],
  [
    "another Node",
    "manifest_invalid",
    (folder) =>
      writeFileSync(
        join(folder, "hypaware.plugin.json"),
        JSON.stringify(manifestOf("x", { node_engine: "^99.0.0" })),
      ),
  ],
  ["no manifest", "manifest_invalid", (folder) => rmSync(join(folder, "hypaware.plugin.json"))],
  [
    "the name of one that ships",
    "installed_shadows_bundled",
    (folder) =>
      writeFileSync(join(folder, "hypaware.plugin.json"), JSON.stringify(manifestOf("@hypaware/ai-gateway"))),
  ],
  [
    "a symbolic link",
    "artifact_symlink_unsupported",
    (folder) => symlinkSync("/etc/hostname", join(folder, "link")),
  ],
  ["no folder", "local_dir_missing", (folder) => rmSync(folder, { recursive: true })],
  [
    "a file in its place",
    "local_dir_invalid",
    (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
  ],
])("a folder with %s is refused, and nothing is left of it", async (_, code, spoil) => {
  const world = pluginWorld();
  const folder = pluginFolder("x");
  spoil(folder);
  const error: unknown = await installPlugin(sourceOf(folder), world).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(HypError);
  expect((error as HypError).code).toBe(code);
  expect((error as HypError).message).not.toContain("staged");
  expect(await readPluginLock(world.paths)).toMatchObject({ plugins: {} });
  expect(readdirSync(join(world.paths.tmp, "plugin-fetch"))).toEqual([]);
});

test("git brings what a tag, a branch, a commit or nothing says, after somebody agreed", async () => {
  const { url, first, second } = repository();
  const cases = [
    [url, {}, "1.1.0", second],
    [`${url}#main`, {}, "1.1.0", second],
    [url, { ref: "v1" }, "1.0.0", first],
    [url, { ref: first }, "1.0.0", first],
    [url, { ref: first.slice(0, 10) }, "1.0.0", first],
  ] as const;
  for (const [typed, options, version, commit] of cases) {
    const world = pluginWorld();
    const { entry } = await installPlugin(sourceOf(typed, options), world);
    expect(entry).toMatchObject({ version, resolved_ref: commit, source: { kind: "git", gitUrl: url } });
    expect(world.asked).toHaveLength(1);
    const isUnpinned = !("ref" in options);
    expect(world.asked[0]!.warnings.some((warning) => warning.includes("Pin it"))).toBe(isUnpinned);
    expect(readdirSync(entry.install_dir)).not.toContain(".git");
  }
  const world = pluginWorld();
  const deep = await installPlugin(sourceOf(url, { path: "deep/er" }), world);
  expect(deep.entry).toMatchObject({ name: "deep", source: { path: "deep/er" } });
  expect(await refusal(installPlugin(sourceOf(url, { path: "nowhere" }), world))).toBe("local_dir_missing");
  expect(await refusal(installPlugin(sourceOf(url, { ref: "v9" }), world))).toBe("git_ref_not_found");
  expect(await refusal(installPlugin(sourceOf(`${url}x`), world))).toBe("git_clone_failed");
  expect(await refusal(installPlugin(sourceOf(url), { ...world, env: { PATH: "/nowhere" } }))).toBe(
    "git_unavailable",
  );
});

test("who does not agree gets nothing, and an update that changes the name neither", async () => {
  const { url, work } = repository();
  const world = pluginWorld();
  const consent = (): never => {
    throw new HypError("remote_install_rejected", "no");
  };
  expect(await refusal(installPlugin(sourceOf(url), { ...world, consent }))).toBe("remote_install_rejected");
  expect((await readPluginLock(world.paths)).plugins).toEqual({});

  const { entry } = await installPlugin(sourceOf(url), world);
  writeFileSync(join(work, "hypaware.plugin.json"), JSON.stringify(manifestOf("other")));
  git(work, "commit", "--quiet", "--all", "-m", "three");
  git(work, "push", "--quiet", "origin", "main");
  expect(await refusal(updatePlugin("tool", world))).toBe("manifest_name_mismatch");
  expect(await readPluginLock(world.paths)).toEqual({ schema_version: 1, plugins: { tool: entry } });
  expect(await isIntact(entry)).toBe(true);
});

test("a link on the way to a folder of the repository, and no hook of the machine, is followed", async () => {
  const { work, url } = repository();
  symlinkSync("/etc", join(work, "out"));
  git(work, "add", "--all");
  git(work, "commit", "--quiet", "-m", "link");
  git(work, "push", "--quiet", "origin", "main");
  const world = pluginWorld();
  expect(await refusal(installPlugin(sourceOf(url, { path: "out" }), world))).toBe("local_dir_missing");
  expect(await refusal(installPlugin(sourceOf(url), world))).toBe("artifact_symlink_unsupported");

  const home = temporaryFolder();
  mkdirSync(join(home, "hooks"));
  writeFileSync(join(home, "hooks/post-checkout"), `#!/bin/sh\ntouch ${home}/ran\n`);
  chmodSync(join(home, "hooks/post-checkout"), 0o755);
  writeFileSync(join(home, ".gitconfig"), `[core]\n  hooksPath = ${home}/hooks\n`);
  await installPlugin(sourceOf(url, { ref: "v1" }), { ...world, env: { ...process.env, HOME: home } });
  expect(readdirSync(home).toSorted()).toEqual([".gitconfig", "hooks"]);
});

test("a password in a URL reaches git and nothing else", async () => {
  const world = pluginWorld();
  const bin = temporaryFolder();
  writeFileSync(
    join(bin, "git"),
    `#!/bin/sh\necho "args: $*" >> ${bin}/said\nenv | grep GIT_CONFIG >> ${bin}/said\necho "fatal: https://me:hunter2@git.example/x failed" >&2\nexit 128\n`,
  );
  chmodSync(join(bin, "git"), 0o755);
  const env = { PATH: `${bin}:${process.env["PATH"]}` };
  const error = (await installPlugin(sourceOf("https://me:hunter2@git.example/x"), { ...world, env }).catch(
    (reason: unknown) => reason,
  )) as HypError;
  expect(error.code).toBe("git_clone_failed");
  const said = readFileSync(join(bin, "said"), "utf8");
  expect(said).toMatch(/^args: clone .*https:\/\/git\.example\/x /);
  expect(said).toContain("url.https://me:hunter2@git.example/x.insteadOf");
  expect(error.message + JSON.stringify(world.records)).not.toContain("hunter2");
});

test("a packed plugin is asked about, and one that is damaged leaves nothing", async () => {
  const folder = pluginFolder("packed");
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "packed",
      version: "1.0.0",
      dependencies: { leftpad: "*" },
      scripts: { install: "touch ran", postinstall: "touch ran" },
    }),
  );
  expect(spawnSync("npm", ["pack", "--silent"], { cwd: folder }).status).toBe(0);
  const tgz = join(folder, "packed-1.0.0.tgz");
  const world = pluginWorld();
  const { entry, candidate } = await installPlugin(sourceOf(tgz), world);
  expect(candidate).toMatchObject({ needsConsent: true, files: 3 });
  expect(candidate.warnings.join()).toContain("dependencies (leftpad)");
  expect(readdirSync(entry.install_dir).toSorted()).toEqual([
    "hypaware.plugin.json",
    "index.mjs",
    "package.json",
  ]);
  writeFileSync(tgz, readFileSync(tgz).subarray(0, 200));
  expect(await refusal(installPlugin(sourceOf(tgz), world))).toBe("tarball_invalid");
  expect(await refusal(installPlugin(sourceOf("/nowhere.tgz"), world))).toBe("local_dir_missing");
  expect(await isIntact(entry)).toBe(true);
});

test("installs at once, of several plugins and several times of one, all come out whole", async () => {
  const world = pluginWorld();
  const folders = ["a", "b", "c"].map((name) => pluginFolder(name));
  const all = await Promise.all(
    [...folders, ...folders].map((folder) => installPlugin(sourceOf(folder), world)),
  );
  expect(all.map(({ entry }) => entry.name)).toEqual(["a", "b", "c", "a", "b", "c"]);
  const { plugins } = await readPluginLock(world.paths);
  expect(Object.keys(plugins)).toEqual(["a", "b", "c"]);
  for (const entry of Object.values(plugins)) expect(await isIntact(entry)).toBe(true);
  expect(readdirSync(world.paths.pluginCode)).toHaveLength(3);
});

/** Installs one of two versions after the other, until it is killed. */
const LOOP = `
const [install, world, home, ...folders] = process.argv.slice(1);
const { installPlugin } = await import(install);
const { homePaths } = await import(world);
const { createLogger } = await import(new URL("../kernel/log.ts", install).href);
const { NO_TELEMETRY } = await import(new URL("../kernel/telemetry.ts", install).href);
const { parseSource } = await import(new URL("./source.ts", install).href);
const observer = { log: createLogger([]), telemetry: NO_TELEMETRY };
for (let n = 0; ; n++) {
  const options = { paths: homePaths(home), shipped: [], env: process.env, observer, now: () => new Date(), consent: async () => "not_needed" };
  await installPlugin(parseSource(folders[n % 2], { cwd: "/" }), options);
  if (n === 0) process.stdout.write("going\\n");
}`;

test("killed at any moment, the old or the new plugin is there, whole", async () => {
  const world = pluginWorld();
  const folders = ["1.0.0", "2.0.0"].map((version) => {
    const folder = pluginFolder("kill", { version });
    for (let n = 0; n < 20; n++)
      writeFileSync(join(folder, `${n}.mjs`), `export default "${version}";`.repeat(100));
    return folder;
  });
  for (let round = 0; round < 20; round++) {
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        LOOP,
        new URL("./install.ts", import.meta.url).href,
        new URL("../contract/home.ts", import.meta.url).href,
        world.paths.home,
        ...folders,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(child.stdout, "data");
    await sleep((round * 7) % 41);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    const entry = (await readPluginLock(world.paths)).plugins["kill"];
    expect(entry).toBeDefined();
    expect(await isIntact(entry!)).toBe(true);
    const manifest = JSON.parse(readFileSync(join(entry!.install_dir, "hypaware.plugin.json"), "utf8")) as {
      version: string;
    };
    expect(manifest.version).toBe(entry!.version);
  }
  await installPlugin(sourceOf(pluginFolder("kill", { version: "3.0.0" })), world);
  expect(readdirSync(world.paths.pluginCode)).toHaveLength(1);
}, 60_000);
