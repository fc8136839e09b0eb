import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { pluginFolder, temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { probeTimeout } from "./git.ts";
import { installPlugin } from "./install.ts";
import { git, pluginWorld, sourceOf } from "./plugin-world.testkit.ts";
import { checkForUpdates } from "./update-check.ts";

const day = (n: number): Date => new Date(Date.UTC(2026, 2, n, 12));

test("a branch is asked for its newest commit, once a day, and a tag for where it stands", async () => {
  const work = pluginFolder("tool");
  const commit = (): string => {
    git(work, "add", "--all");
    git(work, "commit", "--quiet", "--allow-empty", "-m", "x");
    return git(work, "rev-parse", "HEAD");
  };
  git(work, "init", "--quiet", "--initial-branch=main");
  const first = commit();
  git(work, "tag", "-a", "v1", "-m", "v1");
  const bare = join(temporaryFolder(), "tool.git");
  git(work, "clone", "--quiet", "--bare", work, bare);
  git(work, "remote", "add", "origin", bare);
  const branch = pluginWorld({ now: () => day(1) });
  const tag = pluginWorld({ now: () => day(1) });
  const pinned = pluginWorld({ now: () => day(1) });
  await installPlugin(sourceOf(`file://${bare}`), branch);
  await installPlugin(sourceOf(`file://${bare}#v1`), tag);
  await installPlugin(sourceOf(`file://${bare}#${first}`), pinned);
  const second = commit();
  git(work, "push", "--quiet", "origin", "main");

  const checked = async (world: typeof branch, at: Date, options = {}) =>
    (await checkForUpdates({ ...world, now: () => at }, options))[0]!.update;
  // An install is as good as a check.
  expect(await checked(branch, day(1))).toBeUndefined();
  const found = { checked_at: day(3).toISOString(), available: true, latest_ref: second };
  expect(await checked(branch, day(3))).toEqual(found);
  expect(await checked(tag, day(3))).toEqual({ checked_at: day(3).toISOString(), available: false });
  expect(await checked(pinned, day(3))).toEqual({ checked_at: day(3).toISOString(), available: false });
  const third = commit();
  git(work, "push", "--quiet", "origin", "main");
  expect(await checked(branch, new Date(day(3).getTime() + 3_600_000))).toEqual(found);
  expect(await checked(branch, day(3), { force: true })).toMatchObject({ latest_ref: third });
  git(work, "tag", "-f", "-a", "v1", "-m", "moved");
  git(work, "push", "--quiet", "--force", "origin", "v1");
  expect(await checked(tag, day(3), { force: true })).toMatchObject({ available: true, latest_ref: third });
});

test("a folder is compared with what was copied of it", async () => {
  const world = pluginWorld();
  const folder = pluginFolder("local");
  await installPlugin(sourceOf(folder), world);
  const check = async () => (await checkForUpdates(world, { force: true }))[0]!.update;
  expect(await check()).toMatchObject({ available: false });
  writeFileSync(join(folder, "index.mjs"), "export const activate = () => 2;");
  expect(await check()).toMatchObject({ available: true, latest_version: "1.0.0" });
});

test("a remote that never answers is given up in time, and told", async () => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const env = { ...process.env, HYP_GIT_PROBE_TIMEOUT_MS: "300" };
  const world = pluginWorld({ env });
  const { entry } = await installPlugin(sourceOf(pluginFolder("slow")), world);
  const source = { kind: "git", raw: "x", gitUrl: `git://127.0.0.1:${port}/x` };
  const lock = readFileSync(world.paths.pluginLock, "utf8");
  writeFileSync(
    world.paths.pluginLock,
    lock.replace(/"source": \{[^}]*\}/, `"source": ${JSON.stringify(source)}`),
  );
  const began = performance.now();
  const [checked] = await checkForUpdates(world, { force: true });
  expect(checked!.update).toMatchObject({
    available: false,
    error: expect.stringContaining("did not end within 300 ms"),
  });
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(entry.name).toBe(checked!.name);
});

test.each([
  [undefined, 5_000],
  ["", 5_000],
  ["soon", 5_000],
  ["-1", 5_000],
  ["1", 250],
  ["1000", 1_000],
  ["1e9", 60_000],
])("HYP_GIT_PROBE_TIMEOUT_MS=%s means %d ms", (text, ms) => {
  expect(probeTimeout({ HYP_GIT_PROBE_TIMEOUT_MS: text })).toBe(ms);
});
