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

/**
 * `config.toml` of Codex. With an API key the built-in provider, so that sessions stay where they were. With a ChatGPT sign-in the
 * built-in one insists on an HTTPS backend; one of another name does not.
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
    wish: ({ endpoint, values }) =>
      signsInWithChatGpt(env) ? wishForChatGpt(endpoint, values) : wishForKey(endpoint, values),
    wroteBefore: () =>
      [["model_provider"], ["chatgpt_base_url"], ["openai_base_url"], ["model_providers", "hypaware"]].map(
        (path) => ({
          path,
          value: "",
        }),
      ),
    findings: (mark, values) => [...otherSignIn(mark, values, env), ...profiles(values)],
    overridden: {
      paths: [["model_provider"], ["openai_base_url"], ["chatgpt_base_url"]],
      project: [".codex/config.toml"],
      machine: ["/etc/codex/managed_config.toml"],
    },
  };
}

function wishForKey(endpoint: string, values: JsonObject): SettingsWish {
  const url = `${endpoint}/v1`;
  const block = "openai_base_url";
  const own = asName(values["model_provider"]);
  const isElsewhere = own !== undefined && own !== BUILT_IN;
  return {
    changes: [
      {
        kind: "set",
        path: ["openai_base_url"],
        value: url,
        address: { upstream: "openai", suffix: "/v1" },
        block,
      },
      ...(isElsewhere ? [{ kind: "set", path: ["model_provider"], value: BUILT_IN, block } as const] : []),
    ],
    lines: [
      ...(isElsewhere ? [`model_provider = ${BUILT_IN}`] : []),
      `openai_base_url = ${url}: the provider that is built in, so that sessions from before stay in the list of codex resume`,
    ],
    facts: { base_url: url },
    ...(isElsewhere && { elsewhere: [providerOf(own, values)] }),
  };
}

function wishForChatGpt(endpoint: string, values: JsonObject): SettingsWish {
  const url = `${endpoint}/backend-api/codex`;
  const block = "model_provider";
  const own = asName(values["model_provider"]);
  return {
    changes: [
      { kind: "set", path: ["model_provider"], value: "hypaware", block },
      {
        kind: "set",
        path: ["chatgpt_base_url"],
        value: `${endpoint}/backend-api/`,
        address: { upstream: "chatgpt", suffix: "/backend-api" },
        block,
      },
      {
        kind: "set",
        path: ["model_providers", "hypaware"],
        value: {
          name: "HypAware ChatGPT Gateway",
          base_url: url,
          requires_openai_auth: true,
          wire_api: "responses",
          supports_websockets: true,
        },
        block: "provider",
      },
    ],
    lines: [
      "model_provider = hypaware: with a ChatGPT sign-in the built-in provider refuses a gateway without HTTPS",
      `base_url = ${url}`,
      "sessions from before are listed by: codex resume --all",
    ],
    facts: { base_url: url },
    ...(own !== undefined && own !== BUILT_IN && { elsewhere: [providerOf(own, values)] }),
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
  const isForChatGpt = values["model_provider"] === "hypaware";
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
