import type { ClientRegistration } from "../../contract/plugin.ts";
import { type Environment, KEY_PATH, SIGNED_IN_PATH, signsInWithChatGpt } from "./settings.ts";

/**
 * How `hyp run codex` starts it. It takes its base URL from settings only, so they are given on its command line; what stands in its
 * files stays. `HYP_CODEX_BIN` names the command to start when it is not `codex`.
 */
export function codexLaunch(env: Environment): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => ({
    command: env["HYP_CODEX_BIN"] || "codex",
    // The same as in its settings file (settings.ts).
    args: [
      "-c",
      `openai_base_url="${endpoint}${signsInWithChatGpt(env) ? SIGNED_IN_PATH : KEY_PATH}"`,
      ...args,
    ],
    env: {},
  });
}
