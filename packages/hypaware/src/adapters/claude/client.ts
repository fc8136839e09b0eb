import type { ClientContext, ClientRegistration } from "../../contract/plugin.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Claude Code leaves out against a base URL that is not Anthropic's own, although nothing is lost on our way: deferred
 * tools, and the headers made for gateways (request class, prompt id).
 */
const FEATURES = { ENABLE_TOOL_SEARCH: "true", CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1" } as const;

/** Client `claude`. `HYP_CLAUDE_BIN` names the command to start when it is not `claude`. */
export function claudeClient(env: Environment): ClientRegistration {
  return {
    name: "claude",
    defaultUpstream: "anthropic",
    launch: ({ endpoint, args }) => ({
      command: env["HYP_CLAUDE_BIN"] || "claude",
      args,
      env: {
        ANTHROPIC_BASE_URL: endpoint,
        // What the person set stays, also when it is "off".
        ...Object.fromEntries(Object.entries(FEATURES).filter(([name]) => env[name] === undefined)),
      },
    }),
    attach: (context) => notYet(context, `or set ANTHROPIC_BASE_URL=${context.endpoint}`),
    detach: (context) => notYet(context, "which changes no settings"),
  };
}

/** Settings are not written in this version. Exit code 1. */
function notYet({ stderr }: ClientContext, instead: string): number {
  stderr.write(`hyp cannot change Claude Code's settings yet. Use: hyp run claude, ${instead}.\n`);
  return 1;
}
