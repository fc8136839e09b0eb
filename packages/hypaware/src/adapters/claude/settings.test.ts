import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttachContext } from "../../contract/plugin.ts";
import { QUIET } from "../../kernel/telemetry.ts";
import { createSettings } from "../../settings/attachable.ts";
import { claudeSettings } from "./settings.ts";

let home = "";
let project = "";
let said = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-claude-"));
  project = join(home, "work", "project");
  mkdirSync(join(project, ".claude"), { recursive: true });
  mkdirSync(join(home, ".claude"));
  said = "";
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const ENDPOINT = "http://127.0.0.1:18521";
const path = (): string => join(home, ".claude", "settings.json");
const put = (value: object): void => writeFileSync(path(), JSON.stringify(value));
const read = () => JSON.parse(readFileSync(path(), "utf8")) as Record<string, Record<string, unknown>>;

function client(env: Readonly<Record<string, string>> = {}, hyp = process.execPath) {
  const all = { HOME: home, ...env };
  const host = { state: join(home, "state"), hyp, observer: QUIET, env: all, folder: project };
  const settings = claudeSettings({ env: all, version: "2.0.0", stateDir: join(home, "state", "claude") });
  return createSettings(host)
    .viewFor({ plugin: "test", onDispose: () => undefined })
    .attachable(settings);
}

function context(more: Partial<AttachContext> = {}): AttachContext {
  const output = { write: (text: string) => (said += text) };
  const upstreams = { anthropic: "https://api.anthropic.com" };
  return { config: {}, stdout: output, stderr: output, endpoint: ENDPOINT, upstreams, ...more };
}
const findings = async (of = client()): Promise<readonly string[]> =>
  (await of.status(context())).findings?.map(({ kind, message }) => `${kind}: ${message}`) ?? [];

test("what the person set stays; what is not wanted is left out, and nothing complains of it", async () => {
  put({ env: { ENABLE_TOOL_SEARCH: "false" } });
  expect(await client().attach(context({ without: ["hooks", "hint-headers"] }))).toBe(0);
  expect(read()["env"]).toEqual({ ANTHROPIC_BASE_URL: ENDPOINT, ENABLE_TOOL_SEARCH: "false" });
  expect(read()["hooks"]).toBeUndefined();
  expect(said).not.toContain("hooks");
  expect(await findings()).toEqual([]);
  expect(await client().attach(context())).toBe(0);
  expect(Object.keys(read()["hooks"]!)).toHaveLength(4);
  expect(await client().detach(context())).toBe(0);
  expect(read()).toEqual({ env: { ENABLE_TOOL_SEARCH: "false" } });
});

test("an address of somebody else's is refused, wherever it stands, unless the gateway goes there or the person says so", async () => {
  const proxy = "https://user:secret@proxy.example/v";
  put({ env: { ANTHROPIC_BASE_URL: proxy } });
  expect(await client().attach(context())).toBe(1);
  expect(said).toContain('{"name":"anthropic","base_url":"https://proxy.example/v"}');
  expect(said).not.toContain("secret");
  expect(read()).toEqual({ env: { ANTHROPIC_BASE_URL: proxy } });
  expect(await client().attach(context({ upstreams: { anthropic: `${proxy}/` } }))).toBe(0);
  expect(await client().detach(context())).toBe(0);
  expect(await client().attach(context({ replace: true }))).toBe(0);
  expect(await client().detach(context())).toBe(0);
  expect(read()).toEqual({ env: { ANTHROPIC_BASE_URL: proxy } });
  // The client's settings go before its environment, so that key would come to us, too.
  put({});
  expect(await client({ ANTHROPIC_BASE_URL: proxy }).attach(context())).toBe(1);
  expect(said).toContain("ANTHROPIC_BASE_URL in the environment is https://proxy.example/v");
});

test("settings of a project that go before the person's are told when attaching and after", async () => {
  const file = join(project, ".claude", "settings.local.json");
  writeFileSync(file, JSON.stringify({ env: { ANTHROPIC_BASE_URL: "https://other.example" } }));
  expect(await client().attach(context())).toBe(0);
  expect(said).toContain(`warning: Claude Code: ${file} sets env.ANTHROPIC_BASE_URL (https://other.example)`);
  expect(await findings()).toMatchObject([expect.stringMatching(/^env_override: .*do not pass the gateway/)]);
  writeFileSync(file, JSON.stringify({ env: { ANTHROPIC_BASE_URL: "https://x:key@y.example/\u001b[2J" } }));
  expect((await findings())[0]).toContain("(https://y.example/\uFFFD[2J)");
  writeFileSync(file, JSON.stringify({ env: { ANTHROPIC_BASE_URL: ENDPOINT } }));
  expect(await findings()).toEqual([]);
});

test("hooks of an older form or of a program that is gone, and features that are off, are found and mended by attaching again", async () => {
  const old = { type: "command", command: "hyp claude-hook session-context --port 8787" };
  put({
    env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:8787" },
    hooks: { SessionStart: [{ hooks: [old] }], Stop: [{ hooks: [{ type: "command", command: "mine" }] }] },
    _hypaware: { attached_at: "2026-01-01T00:00:00.000Z", version: "1.0.0", port: 8787 },
  });
  expect(await findings()).toMatchObject([
    expect.stringMatching(/^hook_outdated: .*named a port/),
    expect.stringMatching(/^features_lost: .*tool search is off/),
    expect.stringMatching(/^features_lost: .*class and prompt/),
  ]);
  expect(await client({}, "/gone/hyp").attach(context())).toBe(0);
  expect(await findings()).toEqual(["hook_outdated: Claude Code: its hooks call /gone/hyp, which is gone."]);
  expect(await client().attach(context())).toBe(0);
  expect(await findings()).toEqual([]);
  expect(await client().detach(context())).toBe(0);
  expect(read()).toEqual({ hooks: { Stop: [{ hooks: [{ type: "command", command: "mine" }] }] } });
});

test("a file that the client itself would not read is refused by name, and so are folders and links to nothing", async () => {
  writeFileSync(path(), '// mine\n{"a": 1}');
  expect(await client().attach(context({ json: true }))).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ status: "failed", client: "claude", error_kind: "JSONC" });
  expect((await client().status(context())).error).toContain("comments");
  rmSync(path());
  mkdirSync(path());
  expect(await client().attach(context())).toBe(1);
  expect(said).toContain("is not a file");
});

test("only an address with a port is written, but a trial may have none yet", async () => {
  put({ a: 1 });
  for (const [endpoint, kind] of [
    ["http://127.0.0.1:0", "INVALID_PORT"],
    ["nowhere", "INVALID_BASE_URL"],
  ] as const) {
    said = "";
    expect(await client().attach(context({ endpoint, json: true }))).toBe(1);
    expect(JSON.parse(said)).toMatchObject({ error_kind: kind });
  }
  expect(await client().attach(context({ endpoint: "http://127.0.0.1:0", dryRun: true }))).toBe(0);
  expect(said).toContain("+++ ");
  expect(read()).toEqual({ a: 1 });
});

test("a change by somebody else while it is edited is refused", async () => {
  put({ a: 1 });
  const racing = { HOME: home };
  const settings = claudeSettings({ env: racing, version: "2.0.0", stateDir: join(home, "state") });
  const host = { state: join(home, "state"), hyp: "/hyp", observer: QUIET, env: racing, folder: project };
  const late = { ...host, now: () => (put({ a: 2 }), new Date()) };
  const capability = createSettings(late).viewFor({ plugin: "test", onDispose: () => undefined });
  expect(await capability.attachable(settings).attach(context({ json: true }))).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ error_kind: "CONCURRENT_EDIT" });
  expect(read()).toEqual({ a: 2 });
});

test("ten times attached and detached it is what it was, also where CLAUDE_CONFIG_DIR says that it is", async () => {
  const folder = join(home, "elsewhere");
  const text = '{\n\t"model": "opus"\n}';
  mkdirSync(folder);
  writeFileSync(join(folder, "settings.json"), text);
  const of = client({ CLAUDE_CONFIG_DIR: folder });
  for (let i = 0; i < 10; i++) {
    expect(await of.attach(context({ endpoint: `http://127.0.0.1:${20_000 + i}` }))).toBe(0);
    expect(await of.detach(context())).toBe(0);
    expect(readFileSync(join(folder, "settings.json"), "utf8")).toBe(text);
  }
});
