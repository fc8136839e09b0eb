import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../contract/plugin.ts";
import { opencodeLaunch } from "./client.ts";

const endpoint = "http://127.0.0.1:18521/k/opencode-0";
let home = "";
let project = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-opencode-"));
  project = join(home, "work", "project");
  mkdirSync(project, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, content: string | JsonObject): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

const launch = (env: Record<string, string> = {}) =>
  opencodeLaunch({ HOME: home, ...env }, project)({ endpoint, args: ["run", "hi"] });
const settings = (env: Record<string, string> = {}): JsonObject =>
  JSON.parse(launch(env)?.env["OPENCODE_CONFIG_CONTENT"] ?? "") as JsonObject;

const ANTHROPIC = { anthropic: { options: { baseURL: `${endpoint}/v1` } } };
const OPENAI = { openai: { options: { baseURL: `${endpoint}/v1` } } };
const GOOGLE = { google: { options: { baseURL: `${endpoint}/v1beta` } } };

test("providers for which there is a key, a sign-in or a setting get the gateway's address, no other comes into being", () => {
  expect(settings()).toEqual({ provider: {} });
  expect(launch()).toMatchObject({ command: "opencode", args: ["run", "hi"] });
  expect(launch({ HYP_OPENCODE_BIN: "/opt/oc" })?.command).toBe("/opt/oc");
  expect(settings({ ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "" })).toEqual({ provider: ANTHROPIC });
  expect(settings({ GEMINI_API_KEY: "k" })).toEqual({ provider: GOOGLE });
  put(".local/share/opencode/auth.json", {
    openai: { type: "api", key: "k" },
    groq: { type: "api", key: "k" },
  });
  expect(settings()).toEqual({ provider: OPENAI });
  put(
    ".config/opencode/opencode.jsonc",
    '{ // mine: "x"\n "provider": { "google": { "options": { "apiKey": "a//b" }, }, } }',
  );
  expect(settings()).toEqual({ provider: { ...OPENAI, ...GOOGLE } });
  put("work/opencode.json", { provider: { anthropic: {} } });
  expect(settings()).toEqual({ provider: { ...ANTHROPIC, ...OPENAI, ...GOOGLE } });
});

test("an address of the person's own stays, wherever it stands: its key must not go to another provider", () => {
  put("work/project/opencode.json", {
    provider: { anthropic: { options: { baseURL: "https://proxy.example/v1" } } },
  });
  expect(settings({ ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k" })).toEqual({ provider: OPENAI });
  put("elsewhere.json", { provider: { openai: { options: { baseURL: "http://127.0.0.1:11434/v1" } } } });
  const env = { ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", OPENCODE_CONFIG: join(home, "elsewhere.json") };
  expect(settings(env)).toEqual({ provider: {} });
});

test("settings that the person gives in the same variable stay", () => {
  const own = {
    theme: "x",
    provider: { anthropic: { options: { apiKey: "k" }, name: "A" }, mine: { npm: "y" } },
  };
  expect(settings({ OPENCODE_CONFIG_CONTENT: JSON.stringify(own) })).toEqual({
    theme: "x",
    provider: {
      anthropic: { name: "A", options: { apiKey: "k", baseURL: `${endpoint}/v1` } },
      mine: { npm: "y" },
    },
  });
});

test("files that nobody can read are no settings", () => {
  put(".config/opencode/opencode.json", "{ provider");
  put(".local/share/opencode/auth.json", "[1]");
  mkdirSync(join(project, "opencode.json"));
  expect(settings({ ANTHROPIC_API_KEY: "k" })).toEqual({ provider: ANTHROPIC });
});
