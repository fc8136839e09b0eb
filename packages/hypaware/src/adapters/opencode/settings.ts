// What the person has told opencode of its providers: for whom there is a sign-in, and who has an address of its own. Only that is
// looked at, and nothing is written.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Json, JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, parseJson } from "../../protocols/loose.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Providers {
  /** Those that settings or sign-ins name. */
  readonly named: ReadonlySet<string>;
  readonly withAddress: ReadonlySet<string>;
}

const FILES = ["config.json", "opencode.json", "opencode.jsonc"];

/** `folder`: where the client is started. */
export function configuredProviders(env: Environment, folder: string): Providers {
  const home = env["HOME"] || homedir();
  const data = env["XDG_DATA_HOME"] || join(home, ".local", "share");
  const config = env["XDG_CONFIG_HOME"] || join(home, ".config");
  const folders = [join(config, "opencode"), env["OPENCODE_CONFIG_DIR"], ...upwards(folder)];
  const files = folders.flatMap((each) => (each ? FILES.map((name) => join(each, name)) : []));
  const texts = [...files, env["OPENCODE_CONFIG"] ?? ""].map(textOf);
  const settings = [...texts, env["OPENCODE_CONFIG_CONTENT"]].map((text) => asObject(parseJsonc(text)));
  const providers = settings.flatMap((each) => Object.entries(asObject(each?.["provider"]) ?? {}));
  const signIns = asObject(parseJsonc(textOf(join(data, "opencode", "auth.json"))));
  return {
    named: new Set([...Object.keys(signIns ?? {}), ...providers.map(([name]) => name)]),
    withAddress: new Set(providers.filter(([, each]) => hasAddress(asObject(each))).map(([name]) => name)),
  };
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
