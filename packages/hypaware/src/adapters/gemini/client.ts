import type { ClientRegistration } from "../../contract/plugin.ts";
import type { Environment } from "./settings.ts";

/** How `hyp run gemini` starts it. `HYP_GEMINI_BIN` names the command to start when it is not `gemini`. */
export function geminiLaunch(env: Environment): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => ({
    command: env["HYP_GEMINI_BIN"] || "gemini",
    args,
    env: {
      GOOGLE_GEMINI_BASE_URL: endpoint,
      // Where a client that is signed in with Google goes. An address of the person's own stays: it may not be Google's.
      ...(env["CODE_ASSIST_ENDPOINT"] === undefined ? { CODE_ASSIST_ENDPOINT: endpoint } : {}),
    },
  });
}
