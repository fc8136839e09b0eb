import type { ClientContext, ClientRegistration, JsonObject } from "../../contract/plugin.ts";
import { asObject } from "../../protocols/loose.ts";
import { type Environment, configuredProviders, parseJsonc } from "./settings.ts";

/** Providers that the gateway has an upstream for: where their API begins below it, and the variables that hold a key of theirs. */
const PROVIDERS = {
  anthropic: { path: "/v1", keys: ["ANTHROPIC_API_KEY"] },
  openai: { path: "/v1", keys: ["OPENAI_API_KEY"] },
  google: { path: "/v1beta", keys: ["GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"] },
} as const;

/**
 * Client `opencode`. It takes settings from its environment, over those of its files, which stay as they are. `HYP_OPENCODE_BIN` names
 * the command to start when it is not `opencode`.
 */
export function opencodeClient(env: Environment, folder = process.cwd()): ClientRegistration {
  return {
    name: "opencode",
    defaultUpstream: "anthropic",
    launch: ({ endpoint, args }) => ({
      command: env["HYP_OPENCODE_BIN"] || "opencode",
      args,
      env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(settingsFor(endpoint, env, folder)) },
    }),
    attach: (context) => notYet(context, "or see the README of its adapter for the lines of opencode.json"),
    detach: (context) => notYet(context, "which changes no settings"),
  };
}

/**
 * What the person's own environment says, and the gateway's address for each provider that the person has: one that is only named
 * would count as one, and could become the one that is used. Who has an address already keeps it: its key is for nobody else.
 */
function settingsFor(endpoint: string, env: Environment, folder: string): JsonObject {
  const own = asObject(parseJsonc(env["OPENCODE_CONFIG_CONTENT"]));
  const providers = asObject(own?.["provider"]);
  const { named, withAddress } = configuredProviders(env, folder);
  const pointed = Object.entries(PROVIDERS).flatMap(([name, { path, keys }]) => {
    const isUsed = named.has(name) || keys.some((key) => Boolean(env[key]));
    if (!isUsed || withAddress.has(name)) return [];
    const provider = asObject(providers?.[name]);
    const options = { ...asObject(provider?.["options"]), baseURL: endpoint + path };
    return [[name, { ...provider, options }] as const];
  });
  return { ...own, provider: { ...providers, ...Object.fromEntries(pointed) } };
}

/** Settings are not written in this version. Exit code 1. */
function notYet({ stderr }: ClientContext, instead: string): number {
  stderr.write(`hyp cannot change opencode's settings yet. Use: hyp run opencode, ${instead}.\n`);
  return 1;
}
