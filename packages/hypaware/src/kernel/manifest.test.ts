import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HypError } from "../contract/errors.ts";
import { parseManifest, pluginFromFolder } from "./manifest.ts";
import { manifestOf, pluginFolder, temporaryFolder } from "./plugin-folder.testkit.ts";

const refusal = async (promise: Promise<unknown>): Promise<HypError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HypError)) throw new Error(`expected a HypError, got ${String(error)}`);
  expect(error.code).toBe("manifest_invalid");
  return error;
};

test("a folder with a manifest and an entry point can be loaded", async () => {
  const folder = pluginFolder(
    "@acme/x",
    { version: "1.2.3-beta.1", license: "MIT" },
    "export const activate = () => 7;",
  );
  const source = await pluginFromFolder(folder);
  expect(source.manifest).toMatchObject({ name: "@acme/x", version: "1.2.3-beta.1" });
  expect(typeof (await source.load()).activate).toBe("function");
});

test.each([
  [{ schema_version: 2 }, "/schema_version: expected 1"],
  [{ name: "../victim" }, '/name: expected a name like "my-plugin"'],
  [{ name: "@acme/../x" }, "/name: expected a name"],
  [{ name: "@a/b/c" }, "/name: expected a name"],
  [{ name: "Has Space" }, "/name: expected a name"],
  [{ version: "1.0" }, "/version: expected a version like 1.2.3"],
  [{ version: "v1.0.0" }, "/version: expected a version like 1.2.3"],
  [{ runtime: "deno" }, '/runtime: expected "node"'],
  [{ entrypoint: "../out.mjs" }, "/entrypoint: expected a relative path inside"],
  [{ entrypoint: "a/../../out.mjs" }, "/entrypoint: expected a relative path inside"],
  [{ entrypoint: "/etc/passwd" }, "/entrypoint: expected a relative path inside"],
  [{ entrypoint: "C:/x.mjs" }, "/entrypoint: expected a relative path inside"],
  [{ entrypoint: "a\\..\\..\\x.mjs" }, "/entrypoint: expected a relative path inside"],
  [
    { hypaware_api: "^2.0.0" },
    "/hypaware_api: this HypAware offers plugin interface 1.0.0, the plugin needs ^2.0.0",
  ],
  [{ hypaware_api: "new" }, "/hypaware_api: expected a version range like ^1.0.0"],
  [{ node_engine: ">=99" }, `/node_engine: this is Node ${process.version}, the plugin needs >=99`],
  [
    { requires: { capabilities: { "x.y": "newest" } } },
    "/requires/capabilities/x.y: expected a version range",
  ],
  [{ requires: { plugin: {} } }, '/requires/plugin: unknown key "plugin". Did you mean "plugins"?'],
  [
    { provides: { capabilities: { "x.y": "^1.0.0" } } },
    "/provides/capabilities/x.y: expected a version like 1.2.3",
  ],
  [{ permissions: "network" }, "/permissions: expected array"],
])("%j is refused in words", async (wrong, words) => {
  const error = await refusal(parseManifest(manifestOf("@acme/x", wrong), "the manifest"));
  expect(error.message).toContain(words);
});

test("everything wrong is listed at once", async () => {
  const { message } = await refusal(parseManifest({ name: "ok" }, "/p/hypaware.plugin.json"));
  expect(message).toMatch(/^\/p\/hypaware\.plugin\.json is invalid:\n/);
  for (const key of ["schema_version", "version", "hypaware_api", "runtime", "entrypoint"])
    expect(message).toContain(`\n  /${key}: `);
});

test("a missing manifest, bad JSON and a missing entry point are refused in words", async () => {
  const empty = temporaryFolder();
  expect((await refusal(pluginFromFolder(empty))).message).toMatch(
    /hypaware\.plugin\.json cannot be read: ENOENT/,
  );
  writeFileSync(join(empty, "hypaware.plugin.json"), "{");
  expect((await refusal(pluginFromFolder(empty))).message).toMatch(/is not JSON/);
  const folder = pluginFolder("x");
  rmSync(join(folder, "index.mjs"));
  expect((await refusal(pluginFromFolder(folder))).message).toContain(
    'entrypoint "./index.mjs" does not exist',
  );
});

test("a symbolic link cannot lead the entry point out of the folder, one that stays inside can", async () => {
  const folder = pluginFolder("x", { entrypoint: "link/main.mjs" });
  const outside = join(temporaryFolder(), "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "main.mjs"), "export function activate() {}");
  symlinkSync(outside, join(folder, "link"));
  expect((await refusal(pluginFromFolder(folder))).message).toContain("leads out of the plugin's folder");
  rmSync(join(folder, "link"));
  mkdirSync(join(folder, "real"));
  writeFileSync(join(folder, "real", "main.mjs"), "export function activate() {}");
  symlinkSync("real", join(folder, "link"));
  await pluginFromFolder(folder);
});
