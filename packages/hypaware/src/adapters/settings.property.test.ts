// 200 settings files of each client: attached and detached they are what they were, to the byte, whatever the person changed
// meanwhile. HYP_SETTINGS=5000 plays more, HYP_SEED=n one.
import {
  chmodSync,
  lstatSync,
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
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AttachContext, ClientSettings, Json } from "../contract/plugin.ts";
import { isObject } from "../settings/is-object.ts";
import { jsonFormat } from "../settings/json/json-format.ts";
import { settingsFor } from "../settings/settings.testkit.ts";
import { claudeSettings } from "./claude/settings.ts";
import { codexSettings } from "./codex/settings.ts";
import { geminiSettings } from "./gemini/settings.ts";
import { opencodeSettings } from "./opencode/settings.ts";
import { type SampleOptions, type SettingsSample, settingsSample } from "./settings-files.testkit.ts";

const FILES = Number(process.env["HYP_SETTINGS"] ?? 200);
const version = "2.0.0";

interface Subject {
  readonly client: string;
  readonly options: SampleOptions;
  readonly settings: (home: string, seed: number) => ClientSettings;
}

const HOOKS = `{ "PostToolUse": [ { "matcher": "Bash", "hooks": [ { "type": "command", "command": "mine" } ] } ],\n "Stop": [] }`;

const SUBJECTS: readonly Subject[] = [
  {
    client: "claude",
    options: {
      format: "json",
      isStrict: true,
      known: [
        ["env", '{"OWN": "1",\n    "ENABLE_TOOL_SEARCH": "false"}'],
        ["hooks", HOOKS],
        ["permissions", '{ "allow": ["Bash(ls:*)"] }'],
        ["$schema", '"https://json.schemastore.org/claude-code-settings.json"'],
      ],
    },
    settings: (home) =>
      claudeSettings({ env: { HOME: home }, version, stateDir: join(home, ".hyp", "state") }),
  },
  {
    client: "codex",
    options: {
      format: "toml",
      known: [
        ["model", '"gpt-5.4"'],
        ["model_provider", '"openai" # built in'],
        ["'chatgpt_base_url'", '"https://chatgpt.com/backend-api/"'],
      ],
    },
    settings(home, seed) {
      const folder = join(home, ".codex");
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, "auth.json"),
        JSON.stringify({ auth_mode: seed % 2 === 0 ? "chatgpt" : "apikey" }),
      );
      return codexSettings({ env: { HOME: home }, version });
    },
  },
  {
    client: "gemini",
    options: {
      format: "env",
      known: [
        ["GEMINI_API_KEY", '"key # 1"'],
        ["export GOOGLE_GEMINI_BASE_URL", "'https://generativelanguage.googleapis.com'"],
      ],
    },
    settings: (home) => geminiSettings({ env: { HOME: home }, version }),
  },
  {
    client: "opencode",
    options: {
      format: "json",
      known: [
        ["$schema", '"https://opencode.ai/config.json"'],
        [
          "provider",
          '{ "anthropic": { "options": {} }, "groq": { "options": { "baseURL": "https://g.example" } } }',
        ],
        ["theme", '"system"'],
      ],
    },
    settings: (home) =>
      opencodeSettings({
        env: { HOME: home, ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k" },
        version,
        folder: home,
      }),
  },
];

let home = "";
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "hyp-settings-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, each]) => [name, withoutEmpty(each!)] as const);
  return Object.fromEntries(members.filter(([, each]) => JSON.stringify(each) !== "{}"));
}

const UPSTREAMS = {
  anthropic: "https://api.anthropic.com",
  openai: "https://api.openai.com",
  chatgpt: "https://chatgpt.com",
  gemini: "https://generativelanguage.googleapis.com",
};

function contextOf(endpoint: string): { context: AttachContext; said: () => string } {
  let said = "";
  const output = { write: (text: string) => (said += text) };
  return {
    context: { config: {}, stdout: output, stderr: output, endpoint, upstreams: UPSTREAMS },
    said: () => said,
  };
}

function put(path: string, { text, mode, isLink }: SettingsSample): void {
  mkdirSync(dirname(path), { recursive: true });
  if (text === undefined) return;
  const real = isLink ? join(home, "dotfiles", "settings") : path;
  mkdirSync(dirname(real), { recursive: true });
  writeFileSync(real, text);
  chmodSync(real, mode);
  if (isLink) symlinkSync(real, path);
}

const bytesOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** Everything below the home but our own state. */
const treeOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => !name.startsWith(".hyp"))
    .sort();

describe.each(SUBJECTS)("$client", ({ client, options, settings: settingsOf }) => {
  /** How often a file of the seed survived; what it is worth is asserted by the caller. */
  async function play(seed: number, isStateLost: boolean): Promise<"refused" | "edited" | "plain"> {
    const sample = settingsSample(seed, options);
    const settings = settingsOf(home, seed);
    const path = settings.file();
    put(path, sample);
    const target = () => settingsOf(home, seed).file();
    const real = sample.isLink && sample.text !== undefined ? join(home, "dotfiles", "settings") : path;
    const before = treeOf(home);
    const state = join(home, ".hyp");
    const capability = settingsFor(state).attachable(settings);
    const { context, said } = contextOf(`http://127.0.0.1:${18_000 + (seed % 7)}`);
    const where = `seed ${seed} (${sample.name})`;

    const code = await capability.attach(context);
    if (sample.isRefused) {
      expect(code, `${where}: ${said()}`).toBe(1);
      expect(bytesOf(real), where).toBe(sample.text);
      expect(treeOf(home), where).toEqual(before);
      return "refused";
    }
    expect(code, `${where}: ${said()}`).toBe(0);
    const attached = bytesOf(target())!;
    expect(attached, where).not.toBe(sample.text);
    expect((await capability.status(context)).attached, where).toBe(true);
    expect(await capability.attach(context), said()).toBe(0);
    expect(bytesOf(target()), `${where}: attached twice`).toBe(attached);
    // Another port: still one attachment, and the way back is the same.
    if (seed % 3 === 0) expect(await capability.attach(contextOf("http://127.0.0.1:19000").context)).toBe(0);

    const isEdited = sample.text !== undefined && sample.edit(sample.text) !== sample.text;
    if (isEdited) writeFileSync(real, sample.edit(bytesOf(real)!));
    if (isStateLost) rmSync(join(state, "attached"), { recursive: true });
    expect(await capability.detach(context), `${where}: ${said()}`).toBe(0);
    const expected = sample.text === undefined ? undefined : sample.edit(sample.text);
    if (isStateLost && options.format === "json") {
      if (expected !== undefined) expect(meaning(bytesOf(path)!), where).toEqual(meaning(expected));
    } else expect(bytesOf(path), where).toBe(expected);
    if (!isStateLost) expect(treeOf(home), where).toEqual(before);
    if (sample.text !== undefined) {
      expect(statSync(real).mode & 0o777, where).toBe(sample.mode);
      expect(lstatSync(path).isSymbolicLink(), where).toBe(sample.isLink);
    }
    const again = bytesOf(path);
    expect(await capability.detach(context)).toBe(0);
    expect(bytesOf(path), `${where}: detached twice`).toBe(again);
    return isEdited ? "edited" : "plain";
  }

  /** Without our state an empty object that the person had may be gone. */
  const meaning = (text: string): unknown => {
    return withoutEmpty(jsonFormat.values(text, settingsOf(home, 1)));
  };

  async function playAll(isStateLost: boolean, count: number): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    const first = Number(process.env["HYP_SEED"] ?? 1);
    const last = process.env["HYP_SEED"] === undefined ? first + count - 1 : first;
    for (let seed = first; seed <= last; seed++) {
      rmSync(home, { recursive: true, force: true });
      mkdirSync(home);
      const outcome = await play(seed, isStateLost);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  test(`${FILES} files are identical after attach and detach, edited between or not`, async () => {
    const counts = await playAll(false, FILES);
    const { refused = 0, edited = 0, plain = 0 } = counts;
    expect(refused + edited + plain).toBe(process.env["HYP_SEED"] === undefined ? FILES : 1);
    console.log(
      `${client}: ${FILES} of ${FILES} identical (${plain} as they were, ${edited} edited between, ${refused} refused)`,
    );
    if (FILES >= 200 && process.env["HYP_SEED"] === undefined)
      expect([plain > FILES / 4, edited > FILES / 5, refused > FILES / 40]).toEqual([true, true, true]);
  }, 600_000);

  test("without our state the mark in the file is enough", async () => {
    await playAll(true, Math.ceil(FILES / 4));
  }, 600_000);
});
