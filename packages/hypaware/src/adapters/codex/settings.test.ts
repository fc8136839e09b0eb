import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttachContext } from "../../contract/plugin.ts";
import { QUIET } from "../../kernel/telemetry.ts";
import { createSettings } from "../../settings/attachable.ts";
import { codexSettings } from "./settings.ts";

let home = "";
let said = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-codex-"));
  mkdirSync(join(home, "work", ".codex"), { recursive: true });
  said = "";
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const path = (): string => join(home, "config.toml");
const put = (text: string): void => writeFileSync(path(), text);
const signIn = (mode: string): void =>
  writeFileSync(join(home, "auth.json"), JSON.stringify({ auth_mode: mode }));

function client() {
  const env = { CODEX_HOME: home };
  const host = { state: join(home, "state"), hyp: "/hyp", observer: QUIET, env, folder: join(home, "work") };
  const capability = createSettings(host).viewFor({ plugin: "test", onDispose: () => undefined });
  return capability.attachable(codexSettings({ env, version: "2.0.0" }));
}
function context(more: Partial<AttachContext> = {}): AttachContext {
  const output = { write: (text: string) => (said += text) };
  const upstreams = { openai: "https://api.openai.com", chatgpt: "https://chatgpt.com" };
  return {
    config: {},
    stdout: output,
    stderr: output,
    endpoint: "http://127.0.0.1:18521",
    upstreams,
    ...more,
  };
}

test("the built-in provider gets the address, under another path with a ChatGPT sign-in; another sign-in is found", async () => {
  put("model = 'x'\n");
  signIn("apikey");
  expect(await client().attach(context())).toBe(0);
  expect(readFileSync(path(), "utf8")).toContain('\nopenai_base_url = "http://127.0.0.1:18521/v1"\n# END');
  signIn("chatgpt");
  expect((await client().status(context())).findings).toMatchObject([{ kind: "hook_outdated" }]);
  expect(await client().attach(context())).toBe(0);
  expect(readFileSync(path(), "utf8")).toContain(
    '\nopenai_base_url = "http://127.0.0.1:18521/backend-api/codex"\n# END',
  );
  expect((await client().status(context())).findings).toEqual([]);
  expect(await client().detach(context())).toBe(0);
  expect(readFileSync(path(), "utf8")).toBe("model = 'x'\n");
});

test("a provider of the person's own keeps its key, unless the person says otherwise, and comes back", async () => {
  const text =
    'model_provider = "azure" # work\n[model_providers.azure]\nbase_url = "https://azure.example/openai/v1"\n';
  for (const mode of ["apikey", "chatgpt"]) {
    put(text);
    signIn(mode);
    said = "";
    expect(await client().attach(context())).toBe(1);
    expect(said).toContain('{"name":"openai","base_url":"https://azure.example/openai"}');
    expect(readFileSync(path(), "utf8")).toBe(text);
    expect(await client().attach(context({ replace: true }))).toBe(0);
    expect(said).toContain("(previous model_provider was azure)");
    said = "";
    expect(await client().detach(context())).toBe(0);
    expect(said).toContain("  Restored model_provider=azure\n");
    expect(readFileSync(path(), "utf8")).toBe(text);
  }
});

test("a profile and a project's config go before it, and are told", async () => {
  put('profile = "work"\n[profiles.work]\nmodel_provider = "azure"\n');
  writeFileSync(
    join(home, "work", ".codex", "config.toml"),
    'openai_base_url = "https://other.example/v1"\n',
  );
  signIn("apikey");
  expect(await client().attach(context())).toBe(0);
  expect(said).toContain("warning: Codex: ");
  expect(
    (await client().status(context())).findings?.map(({ kind, message }) => `${kind} ${message}`),
  ).toEqual([
    expect.stringContaining('env_override Codex: profile "work"'),
    expect.stringMatching(/^env_override .*openai_base_url \(https:\/\/other\.example\/v1\)/),
  ]);
});

test("blocks of the older version, with the provider that they displaced, are taken out", async () => {
  put(`# BEGIN hypaware codex model_provider
# attached_at = "2026-01-01T00:00:00.000Z"
# version = "2.0.0"
# port = 8787
# previous_model_provider = "azure"
model_provider = "hypaware"
# END hypaware codex model_provider
model = "x"

# BEGIN hypaware codex provider
[model_providers.hypaware]
name = "HypAware OpenAI Gateway"
base_url = "http://127.0.0.1:8787/v1"
requires_openai_auth = true
wire_api = "responses"
supports_websockets = false
# END hypaware codex provider
`);
  expect(await client().status(context())).toMatchObject({ attached: true, port: 8787 });
  expect(await client().detach(context())).toBe(0);
  expect(readFileSync(path(), "utf8")).toBe('model_provider = "azure"\nmodel = "x"\n');
});
