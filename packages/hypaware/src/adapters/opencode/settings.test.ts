import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttachContext } from "../../contract/plugin.ts";
import { QUIET } from "../../kernel/telemetry.ts";
import { createSettings } from "../../settings/attachable.ts";
import { opencodeSettings } from "./settings.ts";

let home = "";
let said = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-opencode-"));
  mkdirSync(join(home, ".config", "opencode"), { recursive: true });
  mkdirSync(join(home, "project"));
  said = "";
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const file = (name: string): string => join(home, ".config", "opencode", name);
function client(env: Readonly<Record<string, string>> = {}) {
  const [all, folder] = [{ HOME: home, ...env }, join(home, "project")];
  const host = { state: join(home, "state"), hyp: "/hyp", observer: QUIET, env: all, folder };
  const capability = createSettings(host).viewFor({ plugin: "test", onDispose: () => undefined });
  return capability.attachable(opencodeSettings({ env: all, version: "2.0.0", folder }));
}
function context(more: Partial<AttachContext> = {}): AttachContext {
  const output = { write: (text: string) => (said += text) };
  return { config: {}, stdout: output, stderr: output, endpoint: "http://127.0.0.1:18521", ...more };
}

test("only providers that the person has are pointed at the gateway, in the file that counts, comments and all", async () => {
  const text = '{\n  // mine\n  "provider": { "groq": {}, },\n}\n';
  writeFileSync(file("opencode.json"), "{}");
  writeFileSync(file("opencode.jsonc"), text);
  expect(await client({ ANTHROPIC_API_KEY: "k" }).attach(context())).toBe(0);
  const attached = readFileSync(file("opencode.jsonc"), "utf8");
  expect(attached).toContain("// mine");
  expect(attached).toContain('"baseURL": "http://127.0.0.1:18521/v1"');
  expect(attached).not.toContain("openai");
  expect(readFileSync(file("opencode.json"), "utf8")).toBe("{}");
  expect(await client().detach(context())).toBe(0);
  expect(readFileSync(file("opencode.jsonc"), "utf8")).toBe(text);
});

test("without a provider that the gateway knows there is nothing to attach", async () => {
  expect(await client().attach(context({ json: true }))).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ error_kind: "not_attachable" });
});

test("an address of the person's own is refused, and one of a project is told", async () => {
  const provider = { anthropic: { options: { baseURL: "https://proxy.example/v1" } } };
  writeFileSync(file("opencode.json"), JSON.stringify({ provider }));
  expect(await client({ ANTHROPIC_API_KEY: "k" }).attach(context())).toBe(1);
  expect(said).toContain('{"name":"anthropic","base_url":"https://proxy.example"}');
  rmSync(file("opencode.json"));
  writeFileSync(join(home, "project", "opencode.json"), JSON.stringify({ provider }));
  expect(await client({ ANTHROPIC_API_KEY: "k" }).attach(context())).toBe(0);
  expect((await client().status(context())).findings?.map(({ kind }) => kind)).toEqual(["env_override"]);
});
