import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { NOT_INSTALLED, contentHash, copyPluginFiles, pluginFiles } from "./plugin-files.ts";
import { refusal } from "./plugin-world.testkit.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

test("the hash is over sorted lines of path and file hash", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "a"));
  writeFileSync(join(folder, "a", "z.js"), "one");
  writeFileSync(join(folder, "a-b.js"), "two");
  const files = await pluginFiles(folder);
  expect(files).toEqual(["a-b.js", "a/z.js"]);
  const expected = sha(`a-b.js\0${sha("two")}\na/z.js\0${sha("one")}\n`);
  expect(await contentHash(folder, files)).toBe(expected);
});

test("a copy is private, without what a plugin must not bring", async () => {
  const [from, to] = [temporaryFolder(), join(temporaryFolder(), "copy")];
  for (const name of ["node_modules", ".git", "lib"]) {
    mkdirSync(join(from, name));
    writeFileSync(join(from, name, "x.js"), "x", { mode: 0o777 });
  }
  writeFileSync(join(from, ".DS_Store"), "x");
  const files = await pluginFiles(from, NOT_INSTALLED);
  await copyPluginFiles(from, to, files);
  expect(readdirSync(to)).toEqual(["lib"]);
  expect(statSync(join(to, "lib")).mode & 0o777).toBe(0o700);
  expect(statSync(join(to, "lib", "x.js")).mode & 0o777).toBe(0o600);
  // Once installed, none of these may appear.
  expect(await pluginFiles(from)).toEqual([".git/x.js", "lib/x.js", "node_modules/x.js"]);
});

test.each<[string, string, (folder: string) => void]>([
  [
    "a symbolic link to a file",
    "artifact_symlink_unsupported",
    (folder) => symlinkSync("/etc/hostname", join(folder, "x")),
  ],
  [
    "a symbolic link to a folder",
    "artifact_symlink_unsupported",
    (folder) => symlinkSync("/", join(folder, "x")),
  ],
  ["a pipe", "artifact_invalid", (folder) => void spawnSync("mkfifo", [join(folder, "x")])],
  ["a line break in a name", "artifact_invalid", (folder) => writeFileSync(join(folder, "a\nb"), "")],
  [
    "too much",
    "artifact_invalid",
    (folder) => {
      writeFileSync(join(folder, "x"), "");
      truncateSync(join(folder, "x"), LIMITS.pluginBytes + 1);
    },
  ],
  [
    "too many files",
    "artifact_invalid",
    (folder) => {
      for (let n = 0; n <= LIMITS.pluginFiles; n++) writeFileSync(join(folder, String(n)), "");
    },
  ],
])("%s is refused", async (_, code, make) => {
  const folder = temporaryFolder();
  make(folder);
  expect(await refusal(pluginFiles(folder))).toBe(code);
});
