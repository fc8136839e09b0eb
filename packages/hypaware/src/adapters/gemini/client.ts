import type { ClientContext, ClientRegistration } from "../../contract/plugin.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Client `gemini`. `HYP_GEMINI_BIN` names the command to start when it is not `gemini`. */
export function geminiClient(env: Environment): ClientRegistration {
  return {
    name: "gemini",
    defaultUpstream: "gemini",
    launch: ({ endpoint, args }) => ({
      command: env["HYP_GEMINI_BIN"] || "gemini",
      args,
      env: {
        GOOGLE_GEMINI_BASE_URL: endpoint,
        // Where a client that is signed in with Google goes. An address of the person's own stays: it may not be Google's.
        ...(env["CODE_ASSIST_ENDPOINT"] === undefined ? { CODE_ASSIST_ENDPOINT: endpoint } : {}),
      },
    }),
    attach: (context) => notYet(context, `or set GOOGLE_GEMINI_BASE_URL=${context.endpoint}`),
    detach: (context) => notYet(context, "which changes no settings"),
  };
}

/** Settings are not written in this version. Exit code 1. */
function notYet({ stderr }: ClientContext, instead: string): number {
  stderr.write(`hyp cannot change Gemini CLI's settings yet. Use: hyp run gemini, ${instead}.\n`);
  return 1;
}
