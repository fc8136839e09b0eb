import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pluginFromFolder } from "../kernel/manifest.ts";
import { temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { newPlugin } from "./new-plugin.ts";
import { refusal } from "./plugin-world.testkit.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "packages/hypaware/package.json"), "utf8")) as {
  version: string;
};

const filesBelow = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );

test("examples/parrot is what `hyp plugin new parrot` writes, and passes its own tests", async () => {
  const folder = join(temporaryFolder(), "parrot");
  const files = await newPlugin("parrot", folder, version);
  const example = join(ROOT, "examples/parrot");
  expect(filesBelow(example)).toEqual(filesBelow(folder));
  expect(Object.keys(filesBelow(folder))).toEqual(files.toSorted());
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap"], {
    cwd: example,
    encoding: "utf8",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, HYP_WRITE_GOLDEN: undefined },
  });
  expect(run.stdout).toContain("# pass 8");
  expect(run.stdout).toContain("# fail 0");
});

test("any name gives a manifest that is taken, with nothing of the template left", async () => {
  for (const name of ["@me/hypaware-plugin-talk.er", "9lives", "hypaware-plugin-x"]) {
    const folder = join(temporaryFolder(), "new");
    await newPlugin(name, folder, version);
    expect((await pluginFromFolder(folder)).manifest.name).toBe(name);
    expect(Object.values(filesBelow(folder)).filter((text) => /__[A-Z]+__/.test(text))).toEqual([]);
  }
});

test("a name that is none, one of ours, and a folder that holds something are refused", async () => {
  const folder = temporaryFolder();
  for (const name of ["../x", "X", "@hypaware/x", ""])
    expect(await refusal(newPlugin(name, join(folder, "new"), version))).toBe("usage");
  mkdirSync(join(folder, "full"));
  writeFileSync(join(folder, "full", "a"), "");
  expect(await refusal(newPlugin("x", join(folder, "full"), version))).toBe("folder_not_empty");
  expect(readdirSync(folder)).toEqual(["full"]);
});
