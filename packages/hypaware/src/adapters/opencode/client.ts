import type { ClientRegistration, JsonObject } from "../../contract/plugin.ts";
import { asObject } from "../../protocols/loose.ts";
import { type Environment, PROVIDERS, configuredProviders, parseJsonc } from "./providers.ts";

/**
 * How `hyp run opencode` starts it. It takes settings from its environment, over those of its files, which stay as they are.
 * `HYP_OPENCODE_BIN` names the command to start when it is not `opencode`.
 */
export function opencodeLaunch(
  env: Environment,
  folder = process.cwd(),
): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => ({
    command: env["HYP_OPENCODE_BIN"] || "opencode",
    args,
    env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(settingsFor(endpoint, env, folder)) },
  });
}

/**
 * What the person's own environment says, and the gateway's address for each provider that the person has: one that is only named
 * would count as one, and could become the one that is used. Who has an address already keeps it: its key is for nobody else.
 */
function settingsFor(endpoint: string, env: Environment, folder: string): JsonObject {
  const own = asObject(parseJsonc(env["OPENCODE_CONFIG_CONTENT"]));
  const providers = asObject(own?.["provider"]);
  const { used, withAddress } = configuredProviders(env, folder);
  const pointed = Object.entries(PROVIDERS).flatMap(([name, { path }]) => {
    if (!used.has(name) || withAddress.has(name)) return [];
    const provider = asObject(providers?.[name]);
    const options = { ...asObject(provider?.["options"]), baseURL: endpoint + path };
    return [[name, { ...provider, options }] as const];
  });
  return { ...own, provider: { ...providers, ...Object.fromEntries(pointed) } };
}
