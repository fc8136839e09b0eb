import type { ClientRegistration } from "../../contract/plugin.ts";
import { type Environment, signsInWithChatGpt } from "./settings.ts";

/**
 * How `hyp run codex` starts it. It takes its base URL from settings only, so they are given on its command line; what stands in its
 * files stays. `HYP_CODEX_BIN` names the command to start when it is not `codex`.
 */
export function codexLaunch(env: Environment): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => ({
    command: env["HYP_CODEX_BIN"] || "codex",
    args: [...settingsFor(endpoint, signsInWithChatGpt(env)), ...args],
    env: {},
  });
}

/** The same set-ups as in its settings file (`settings.ts`). */
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
