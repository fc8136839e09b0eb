// What the person has told opencode of its providers: for whom there is a key or a sign-in, and who has an address of its own. Only
// that is looked at, and nothing is written.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Json, JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, parseJson } from "../../protocols/loose.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Providers that the gateway has an upstream for: where their API begins below it, and the variables that hold a key of theirs.
 */
export const PROVIDERS = {
  anthropic: { upstream: "anthropic", path: "/v1", keys: ["ANTHROPIC_API_KEY"] },
  openai: { upstream: "openai", path: "/v1", keys: ["OPENAI_API_KEY"] },
  google: {
    upstream: "gemini",
    path: "/v1beta",
    keys: ["GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"],
  },
} as const;

export interface Providers {
  /** Those that settings or sign-ins name, or for which the environment holds a key. */
  readonly used: ReadonlySet<string>;
  readonly withAddress: ReadonlySet<string>;
}

const FILES = ["config.json", "opencode.json", "opencode.jsonc"];

/** `folder`: where the client is started. */
export function configuredProviders(env: Environment, folder: string): Providers {
  const home = env["HOME"] || homedir();
  const data = env["XDG_DATA_HOME"] || join(home, ".local", "share");
  const folders = [configFolder(env), env["OPENCODE_CONFIG_DIR"], ...upwards(folder)];
  const files = folders.flatMap((each) => (each ? FILES.map((name) => join(each, name)) : []));
  const texts = [...files, env["OPENCODE_CONFIG"] ?? ""].map(textOf);
  const settings = [...texts, env["OPENCODE_CONFIG_CONTENT"]].map((text) => asObject(parseJsonc(text)));
  const providers = settings.flatMap((each) => Object.entries(asObject(each?.["provider"]) ?? {}));
  const signIns = asObject(parseJsonc(textOf(join(data, "opencode", "auth.json"))));
  return {
    used: new Set([...Object.keys(signIns ?? {}), ...providers.map(([name]) => name), ...withKey(env)]),
    withAddress: new Set(providers.filter(([, each]) => hasAddress(asObject(each))).map(([name]) => name)),
  };
}

/** Of the person, not of a project. */
export function configFolder(env: Environment): string {
  return join(env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config"), "opencode");
}

function withKey(env: Environment): readonly string[] {
  const all = Object.entries(PROVIDERS);
  return all.filter(([, { keys }]) => keys.some((key) => Boolean(env[key]))).map(([name]) => name);
}

function hasAddress(provider: JsonObject | undefined): boolean {
  return asName(asObject(provider?.["options"])?.["baseURL"]) !== undefined;
}

function upwards(folder: string): readonly string[] {
  const above = dirname(folder);
  return [folder, join(folder, ".opencode"), ...(above === folder ? [] : upwards(above))];
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Strings are matched first, so that what looks like a comment inside one stays. */
const COMMENT = /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const LAST_COMMA = /("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g;

/** JSON with comments, as the client takes it. */
export function parseJsonc(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  return parseJson(text.replace(COMMENT, "$1").replace(LAST_COMMA, "$1"));
}
