import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openApp } from "../../app.ts";
import { terminal } from "../program.testkit.ts";
import { runCommandLine } from "../command-line.ts";
import { type InitOptions, chosenBy } from "./choices.ts";
import { composeConfig } from "./compose-config.ts";
import { configAction, lookAtConfig, requireReplaceable, writeConfig } from "./config-target.ts";
import { type Offer, offerOf } from "./offer.ts";

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), "hypaware-init-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const env = (): NodeJS.ProcessEnv => ({ HOME: home, PATH: join(home, "bin") });
const FLAGS: InitOptions = { daemon: true, import: true };

async function offer(environment = env()): Promise<Offer> {
  const app = await openApp({ env: environment, mode: "cli", ignoreConfig: true });
  try {
    return await offerOf(app, environment);
  } finally {
    await app.close();
  }
}

test("every client and every API that ships can be chosen, and is what its plugin says", async () => {
  const { sources } = await offer();
  expect(sources.map(({ name, plugin, isClient }) => [name, plugin, isClient])).toEqual([
    ["claude", "@hypaware/claude", true],
    ["codex", "@hypaware/codex", true],
    ["gemini", "@hypaware/gemini", true],
    ["opencode", "@hypaware/opencode", true],
    ["raw-anthropic", "@hypaware/raw", false],
    ["raw-openai", "@hypaware/raw", false],
  ]);
  expect(sources.some(({ isInstalled }) => isInstalled)).toBe(false);
});

test("a client is found by its command or by its own record", async () => {
  const folder = join(home, ".claude", "projects", "-x");
  const bin = join(home, "bin");
  mkdirSync(folder, { recursive: true });
  mkdirSync(bin);
  writeFileSync(join(folder, "7bb46e12-3e67-47f7-9e32-608962651fca.jsonl"), "{}\n");
  writeFileSync(join(bin, "codex"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(bin, "gemini"), "not a program\n", { mode: 0o644 });
  const { sources } = await offer();
  const found = sources.filter(({ isInstalled }) => isInstalled).map(({ name }) => name);
  expect(found).toEqual(["claude", "codex"]);
});

test("whatever is chosen gives a config without a finding", async () => {
  const all = await offer();
  const file = join(home, "config.json");
  for (const options of [
    {},
    { client: ["codex"] },
    { source: ["raw-openai"] },
    { source: ["gemini", "opencode"], retentionDays: 0 },
    { client: ["claude"], source: ["raw-anthropic"], export: "keep-local", retentionDays: 30 },
  ]) {
    const text = composeConfig(chosenBy(all, undefined, { ...FLAGS, ...options }).choices, all);
    writeFileSync(file, text);
    const app = await openApp({ env: env(), mode: "cli", configFile: file });
    await app.close();
    expect([text, app.findings, app.kernel.failed, app.kernel.unsatisfied]).toEqual([text, [], [], []]);
  }
});

test("with nothing named: what is found is recorded and attached; nothing found: all recorded, none attached", async () => {
  const all = await offer();
  expect(chosenBy(all, undefined, FLAGS).choices).toMatchObject({
    sources: ["claude", "codex", "gemini", "opencode"],
    clients: [],
  });
  const sources = all.sources.map((source) => ({ ...source, isInstalled: source.name === "codex" }));
  expect(chosenBy({ ...all, sources }, undefined, FLAGS).choices).toMatchObject({
    sources: ["codex"],
    clients: ["codex"],
  });
});

test("a preset and --client attach, --source only records; what is not built is said and left out", async () => {
  const all = await offer();
  expect(chosenBy(all, "gemini", { ...FLAGS, source: ["claude", "otel"] })).toEqual({
    choices: { sources: ["gemini", "claude"], clients: ["gemini"], daemon: true, import: true },
    planned: ['planned, not in this version: the source "otel"; it is left out.'],
  });
  expect(chosenBy(all, "all", { ...FLAGS, export: "local-parquet" }).planned).toHaveLength(1);
  expect(chosenBy(all, undefined, { ...FLAGS, source: ["otel"] }).choices.sources).toEqual([]);
  expect(() => chosenBy(all, "codx", FLAGS)).toThrow(/no preset "codx".*"codex"/);
  expect(() => chosenBy(all, undefined, { ...FLAGS, client: ["raw-openai"] })).toThrow(/no client/);
});

test("a config is private and new, or is replaced only when it may be, after a copy of it", () => {
  const path = join(home, "a", "config.json");
  const target = lookAtConfig(path);
  expect(configAction(target, "{}")).toBe("new");
  expect(writeConfig(target, "{}", new Date(0))).toBeUndefined();
  expect([readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual(["{}", 0o600]);

  const again = lookAtConfig(path);
  expect([configAction(again, "{}"), writeConfig(again, "{}", new Date(0))]).toEqual(["same", undefined]);
  requireReplaceable(again, "{}", false);
  expect(() => requireReplaceable(again, "[]", false)).toThrow(/is there already; nothing was changed/);
  requireReplaceable(again, "[]", true);
  const backup = writeConfig(again, "[]", new Date(0));
  expect(backup).toBe(`${path}.bak-19700101T000000Z`);
  expect([readFileSync(path, "utf8"), readFileSync(backup!, "utf8")]).toEqual(["[]", "{}"]);
  expect(() => writeConfig(again, "1", new Date(1_000))).toThrow(/changed meanwhile/);
  // In the same second every copy is kept.
  const more = ["{ }", "[ ]"].map((text) => writeConfig(lookAtConfig(path), text, new Date(0)));
  expect(more).toEqual([`${backup}-2`, `${backup}-3`]);
  expect(more.map((copy) => readFileSync(copy!, "utf8"))).toEqual(["[]", "{ }"]);
});

test("behind a link the file is replaced, not the link; a link to nothing is an error", () => {
  const real = join(home, "real.json");
  const path = join(home, "config.json");
  writeFileSync(real, "{}", { mode: 0o640 });
  symlinkSync(real, path);
  writeConfig(lookAtConfig(path), "[]", new Date(0));
  expect([readFileSync(real, "utf8"), statSync(real).mode & 0o777]).toEqual(["[]", 0o640]);
  rmSync(real);
  expect(() => lookAtConfig(path)).toThrow(/config.json: ENOENT/);
});

test("without a terminal and without a choice it is wrong usage that lists the presets, and nothing is written", async () => {
  const { err, context } = terminal({ env: env() });
  expect(await runCommandLine(["init"], context)).toBe(2);
  expect(err.text).toContain("all, claude, codex, gemini, opencode");
  expect(readdirSync(home)).toEqual([]);
});

test.each([[["--dry-run", "--yes"]], [["all", "--dry-run"]], [["--dry-run", "--from-file", "from.json"]]])(
  "hyp init %j writes nothing",
  async (args) => {
    const from = join(home, "from.json");
    writeFileSync(from, '{"version":2,"plugins":[{"name":"@hypaware/raw"},{"name":"@hypaware/ai-gateway"}]}');
    const before = readdirSync(home, { recursive: true });
    const { out, err, context } = terminal({ env: env() });
    const argv = ["init", ...args.map((word) => (word === "from.json" ? from : word))];
    expect([await runCommandLine(argv, context), err.text]).toEqual([0, ""]);
    expect(out.text).toContain(join(home, ".hyp", "hypaware-config.json"));
    expect(readdirSync(home, { recursive: true })).toEqual(before);
  },
);

test("only what is not built was asked for: nothing is written, and it is no error", async () => {
  const { out, context } = terminal({ env: env() });
  expect(await runCommandLine(["init", "--source", "otel", "--yes"], context)).toBe(0);
  expect(out.text).toContain("planned, not in this version");
  expect(readdirSync(home)).toEqual([]);
});

test("--from-file takes a config that is right, and refuses another with its places", async () => {
  const good = join(home, "good.json");
  const bad = join(home, "bad.json");
  writeFileSync(good, '{ "version": 2, "plugins": [{ "name": "@hypaware/ai-gateway" }] }');
  writeFileSync(bad, '{ "version": 2, "plugins": [{ "name": "nobody" }] }');
  const config = join(home, ".hyp", "hypaware-config.json");
  const refused = terminal({ env: env() });
  expect(await runCommandLine(["init", "--from-file", bad], refused.context)).toBe(1);
  expect(refused.err.text).toMatch(/nothing was written:\n {2}\[plugin_unknown\]/);
  const taken = terminal({ env: env() });
  expect(await runCommandLine(["init", "--from-file", good], taken.context)).toBe(0);
  expect(readFileSync(config, "utf8")).toBe(readFileSync(good, "utf8"));
  const again = terminal({ env: env() });
  writeFileSync(good, '{ "version": 2 }');
  expect(await runCommandLine(["init", "--from-file", good], again.context)).toBe(1);
  expect(again.err.text).toContain("is there already");
});
