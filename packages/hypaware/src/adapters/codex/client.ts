import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientContext, ClientRegistration } from "../../contract/plugin.ts";
import { asObject, parseJson } from "../../protocols/loose.ts";
import { codexHome } from "./codex-home.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Client `codex`. It takes its base URL from settings only, so they are given on its command line; what stands in its files stays.
 * `HYP_CODEX_BIN` names the command to start when it is not `codex`.
 */
export function codexClient(env: Environment): ClientRegistration {
  return {
    name: "codex",
    defaultUpstream: "openai",
    launch: ({ endpoint, args }) => ({
      command: env["HYP_CODEX_BIN"] || "codex",
      args: [...settingsFor(endpoint, signsInWithChatGpt(env)), ...args],
      env: {},
    }),
    attach: (context) => notYet(context, "or see the README of its adapter for the lines of config.toml"),
    detach: (context) => notYet(context, "which changes no settings"),
  };
}

/**
 * With an API key the built-in provider, so that sessions stay where they were. With a sign-in the built-in one insists on an HTTPS
 * backend; one of another name does not.
 */
function settingsFor(endpoint: string, isSignedIn: boolean): readonly string[] {
  const backend = `${endpoint}/backend-api`;
  const settings = isSignedIn
    ? [
        'model_provider="hypaware"',
        `chatgpt_base_url="${backend}/"`,
        `model_providers.hypaware={name="HypAware",base_url="${backend}/codex",wire_api="responses",requires_openai_auth=true,supports_websockets=true}`,
      ]
    : [`openai_base_url="${endpoint}/v1"`];
  return settings.flatMap((setting) => ["-c", setting]);
}

/** Only how the person signs in is looked at, never with what. */
function signsInWithChatGpt(env: Environment): boolean {
  try {
    return (
      asObject(parseJson(readFileSync(join(codexHome(env), "auth.json"), "utf8")))?.["auth_mode"] ===
      "chatgpt"
    );
  } catch {
    return false;
  }
}

/** Settings are not written in this version. Exit code 1. */
function notYet({ stderr }: ClientContext, instead: string): number {
  stderr.write(`hyp cannot change Codex's settings yet. Use: hyp run codex, ${instead}.\n`);
  return 1;
}
