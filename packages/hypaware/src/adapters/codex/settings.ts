import { readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  ClientFinding,
  ClientSettings,
  JsonObject,
  SettingsMark,
  SettingsWish,
} from "../../contract/plugin.ts";
import { asName, asObject, parseJson } from "../../protocols/loose.ts";
import { codexHome } from "./codex-home.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of Codex's built-in provider. */
const BUILT_IN = "openai";

/** Where its API begins below a base URL, by the way of signing in. */
export const KEY_PATH = "/v1";
export const SIGNED_IN_PATH = "/backend-api/codex";

/**
 * `config.toml` of Codex: the address of the built-in provider, whichever way the person signs in. A session belongs to the provider that it
 * was begun with, and Codex takes it up with no other. `chatgpt_base_url` stays: Codex insists on HTTPS there, and asks its vendor about
 * the account.
 */
export function codexSettings({
  env,
  version,
}: {
  readonly env: Environment;
  readonly version: string;
}): ClientSettings {
  const home = codexHome(env);
  return {
    client: "codex",
    version,
    title: "Codex",
    format: "toml",
    pathKey: "config_path",
    file: () => join(home, "config.toml"),
    installed: { command: env["HYP_CODEX_BIN"] || "codex", folder: home },
    wish: ({ endpoint, values }) => wish(endpoint, values, signsInWithChatGpt(env)),
    wroteBefore: () =>
      [["model_provider"], ["chatgpt_base_url"], ["openai_base_url"], ["model_providers", "hypaware"]].map(
        (path) => ({
          path,
          value: "",
        }),
      ),
    findings: (mark, values) => [...otherSignIn(mark, values, env), ...profiles(values)],
    overridden: {
      paths: [["model_provider"], ["openai_base_url"]],
      project: [".codex/config.toml"],
      machine: ["/etc/codex/managed_config.toml"],
    },
  };
}

function wish(endpoint: string, values: JsonObject, isSignedIn: boolean): SettingsWish {
  const [upstream, suffix] = isSignedIn
    ? (["chatgpt", SIGNED_IN_PATH] as const)
    : ([BUILT_IN, KEY_PATH] as const);
  const url = endpoint + suffix;
  const block = "openai_base_url";
  const own = asName(values["model_provider"]);
  const isElsewhere = own !== undefined && own !== BUILT_IN;
  return {
    changes: [
      { kind: "set", path: ["openai_base_url"], value: url, address: { upstream, suffix }, block },
      ...(isElsewhere ? [{ kind: "set", path: ["model_provider"], value: BUILT_IN, block } as const] : []),
    ],
    lines: [
      ...(isElsewhere ? [`model_provider = ${BUILT_IN}`] : []),
      `openai_base_url = ${url}: the provider that is built in, so that codex resume lists and takes up the sessions from before`,
    ],
    facts: { base_url: url },
    ...(isElsewhere && { elsewhere: [providerOf(own, values)] }),
  };
}

/** Where a provider of the person's own is. What is built in under another name than ours has no address in the file. */
function providerOf(name: string, values: JsonObject) {
  const provider = asObject(asObject(values["model_providers"])?.[name]);
  const value = asName(provider?.["base_url"]) ?? name;
  return { where: `model_provider "${name}"`, value, upstream: BUILT_IN, suffix: "/v1" };
}

/** Only how the person signs in is looked at, never with what. */
export function signsInWithChatGpt(env: Environment): boolean {
  try {
    const auth = asObject(parseJson(readFileSync(join(codexHome(env), "auth.json"), "utf8")));
    return auth?.["auth_mode"] === "chatgpt";
  } catch {
    return false;
  }
}

/** What was written fits the sign-in of that time. */
function otherSignIn(_mark: SettingsMark, values: JsonObject, env: Environment): readonly ClientFinding[] {
  const isForChatGpt = asName(values["openai_base_url"])?.endsWith(SIGNED_IN_PATH) === true;
  if (isForChatGpt === signsInWithChatGpt(env)) return [];
  const message = `Codex is attached for ${isForChatGpt ? "a ChatGPT sign-in" : "an API key"}, and signs in otherwise by now.`;
  return [{ kind: "hook_outdated", message, repair: ["hyp attach codex"] }];
}

/** A profile that is chosen goes before the root. */
function profiles(values: JsonObject): readonly ClientFinding[] {
  const name = asName(values["profile"]);
  const provider =
    name === undefined
      ? undefined
      : asName(asObject(asObject(values["profiles"])?.[name])?.["model_provider"]);
  if (
    name === undefined ||
    provider === undefined ||
    provider === (asName(values["model_provider"]) ?? BUILT_IN)
  )
    return [];
  const message = `Codex: profile "${name}" sets model_provider (${provider}) and goes before the root; such requests do not pass the gateway.`;
  return [
    {
      kind: "env_override",
      message,
      repair: [`Remove model_provider from [profiles.${name}] in config.toml`],
    },
  ];
}
