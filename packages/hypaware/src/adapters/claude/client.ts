import type { ClientRegistration } from "../../contract/plugin.ts";
import { BASE_URL, type Environment, FEATURES } from "./features.ts";

/** How `hyp run claude` starts it. `HYP_CLAUDE_BIN` names the command when it is not `claude`. */
export function claudeLaunch(env: Environment): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => ({
    command: env["HYP_CLAUDE_BIN"] || "claude",
    args,
    env: {
      [BASE_URL]: endpoint,
      // What the person set stays, also when it is "off".
      ...Object.fromEntries(
        FEATURES.filter(({ name }) => env[name] === undefined).map(({ name, value }) => [name, value]),
      ),
    },
  });
}
