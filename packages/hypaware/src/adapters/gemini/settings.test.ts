import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttachContext } from "../../contract/plugin.ts";
import { QUIET } from "../../kernel/telemetry.ts";
import { createSettings } from "../../settings/attachable.ts";
import { geminiSettings } from "./settings.ts";

let home = "";
let said = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-gemini-"));
  mkdirSync(join(home, "project"));
  said = "";
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function client(env: Readonly<Record<string, string>> = {}) {
  const all = { HOME: home, ...env };
  const host = {
    state: join(home, "state"),
    hyp: "/hyp",
    observer: QUIET,
    env: all,
    folder: join(home, "project"),
  };
  const capability = createSettings(host).viewFor({ plugin: "test", onDispose: () => undefined });
  return capability.attachable(geminiSettings({ env: all, version: "2.0.0" }));
}
function context(more: Partial<AttachContext> = {}): AttachContext {
  const output = { write: (text: string) => (said += text) };
  return { config: {}, stdout: output, stderr: output, endpoint: "http://127.0.0.1:18521", ...more };
}

test("both addresses stand in the person's .env; folder and file are gone again after detach", async () => {
  expect(await client().attach(context())).toBe(0);
  const text = readFileSync(join(home, ".gemini", ".env"), "utf8");
  expect(text).toContain(
    "\nGOOGLE_GEMINI_BASE_URL=http://127.0.0.1:18521\nCODE_ASSIST_ENDPOINT=http://127.0.0.1:18521\n",
  );
  expect((await client().status(context())).findings).toEqual([]);
  expect(await client().detach(context())).toBe(0);
  expect(existsSync(join(home, ".gemini"))).toBe(false);
});

test("a variable that goes before it and a nearer .env that hides it are told", async () => {
  writeFileSync(join(home, "project", ".env"), "A=1\n");
  expect(await client({ GOOGLE_GEMINI_BASE_URL: "https://other.example" }).attach(context())).toBe(0);
  expect(said).toContain(
    "warning: Gemini CLI: GOOGLE_GEMINI_BASE_URL is set in the environment (https://other.example)",
  );
  expect(said).toContain(`warning: Gemini CLI: ${join(home, "project", ".env")} is read instead of`);
  expect((await client().status(context())).findings?.map(({ kind }) => kind)).toEqual(["env_override"]);
});

test("a .env of the home that the client would not read any more is a reason to refuse", async () => {
  writeFileSync(join(home, ".env"), "GEMINI_API_KEY=k\n");
  expect(await client().attach(context({ json: true }))).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ error_kind: "not_attachable" });
  expect(existsSync(join(home, ".gemini"))).toBe(false);
});
