import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import { temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { type LockEntry, changePluginLock, readPluginLock } from "./plugin-lock.ts";
import { refusal } from "./plugin-world.testkit.ts";

const entry = (name: string): LockEntry => ({
  name,
  version: "1.0.0",
  source: { kind: "local-dir", raw: `./${name}`, path: `/x/${name}` },
  install_dir: `/home/${name}`,
  content_hash: "0".repeat(64),
  manifest_hash: "f".repeat(64),
  installed_at: "2026-03-01T12:00:00.000Z",
});

const add =
  (name: string) =>
  <T extends { readonly plugins: object }>(lock: T): T => ({
    ...lock,
    plugins: { ...lock.plugins, [name]: entry(name) },
  });

test("it is private, ordered by name, and keeps what a later version wrote", async () => {
  const paths = homePaths(temporaryFolder());
  expect(await readPluginLock(paths)).toEqual({ schema_version: 1, plugins: {} });
  await changePluginLock(paths, add("b"));
  const text = readFileSync(paths.pluginLock, "utf8").replace(
    '"schema_version": 1',
    '"schema_version": 1,\n  "later": true',
  );
  writeFileSync(paths.pluginLock, text);
  await changePluginLock(paths, add("a"));
  const lock = await readPluginLock(paths);
  expect(Object.keys(lock.plugins)).toEqual(["a", "b"]);
  expect(lock).toMatchObject({ later: true, plugins: { a: entry("a") } });
  expect(statSync(paths.pluginLock).mode & 0o777).toBe(0o600);
});

test.each([
  ["no JSON", "{"],
  ["another version", '{"schema_version":2,"plugins":{}}'],
  ["a name that leads out", JSON.stringify({ schema_version: 1, plugins: { "../x": entry("../x") } })],
  ["a name under another key", JSON.stringify({ schema_version: 1, plugins: { a: entry("b") } })],
  ["no hash", JSON.stringify({ schema_version: 1, plugins: { a: { ...entry("a"), content_hash: "" } } })],
  ["nothing", ""],
])("a lock with %s is never overwritten", async (_, text) => {
  const paths = homePaths(temporaryFolder());
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(paths.pluginLock, text);
  expect(await refusal(readPluginLock(paths))).toBe("plugin_lock_unreadable");
  expect(await refusal(changePluginLock(paths, add("a")))).toBe("plugin_lock_unreadable");
  expect(readFileSync(paths.pluginLock, "utf8")).toBe(text);
});

test("of many changes at once none is lost, and one that fails changes nothing", async () => {
  const paths = homePaths(temporaryFolder());
  const names = Array.from({ length: 10 }, (_, n) => `p${n}`);
  const failing = changePluginLock(paths, () => {
    throw new Error("no");
  });
  const all = await Promise.allSettled([failing, ...names.map((name) => changePluginLock(paths, add(name)))]);
  expect(all.map(({ status }) => status)).toEqual(["rejected", ...names.map(() => "fulfilled")]);
  expect(Object.keys((await readPluginLock(paths)).plugins)).toEqual(names);
  expect(readdirSync(paths.state)).toEqual(["plugin-lock.json", "run"]);
});
