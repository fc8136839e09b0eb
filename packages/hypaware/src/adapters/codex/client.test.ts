import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { codexLaunch } from "./client.ts";

const endpoint = "http://127.0.0.1:18521/k/codex-0";
let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-codex-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const launch = (auth?: unknown, env: Record<string, string> = {}) => {
  if (auth !== undefined)
    writeFileSync(join(home, "auth.json"), typeof auth === "string" ? auth : JSON.stringify(auth));
  return codexLaunch({ CODEX_HOME: home, ...env })({ endpoint, args: ["exec", "hi"] });
};

test("with a key, without a sign-in and with a file that nobody can read, its own provider gets the address", () => {
  const expected = {
    command: "codex",
    args: ["-c", `openai_base_url="${endpoint}/v1"`, "exec", "hi"],
    env: {},
  };
  expect(launch()).toEqual(expected);
  expect(launch({ auth_mode: "apikey", OPENAI_API_KEY: "sk" })).toEqual(expected);
  expect(launch("{")).toEqual(expected);
  expect(launch(undefined, { HYP_CODEX_BIN: "/opt/codex" })?.command).toBe("/opt/codex");
});

test("signed in with ChatGPT the same provider gets the address, under the backend's path", () => {
  expect(launch({ auth_mode: "chatgpt", tokens: {} })?.args).toEqual([
    "-c",
    `openai_base_url="${endpoint}/backend-api/codex"`,
    "exec",
    "hi",
  ]);
});
