import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ClientSettings } from "../../contract/plugin.ts";
import { type Environment, PROVIDERS, configFolder, configuredProviders } from "./providers.ts";

/** The later goes before the earlier where both are. */
const FILES = ["opencode.json", "opencode.jsonc"];
const PROJECT_FILES = FILES.flatMap((name) => [name, `.opencode/${name}`]);

const addressOf = (provider: string): readonly string[] => ["provider", provider, "options", "baseURL"];

/** The person's own `opencode.json` or `.jsonc`: the address of each provider that the person has. */
export function opencodeSettings(options: {
  readonly env: Environment;
  readonly version: string;
  readonly folder?: string;
}): ClientSettings {
  const { env, version, folder = process.cwd() } = options;
  const home = configFolder(env);
  return {
    client: "opencode",
    version,
    title: "opencode",
    format: "json",
    pathKey: "settings_path",
    file: () => join(home, FILES.findLast((name) => existsSync(join(home, name))) ?? FILES[0]!),
    installed: { command: env["HYP_OPENCODE_BIN"] || "opencode", folder: home },
    wish({ endpoint }) {
      const { used } = configuredProviders(env, folder);
      // One that is only named would count as one that the person has, and could become the one that is used.
      const pointed = Object.entries(PROVIDERS).filter(([name]) => used.has(name));
      return {
        changes: pointed.map(([name, { upstream, path }]) => ({
          kind: "set",
          path: addressOf(name),
          value: endpoint + path,
          address: { upstream, suffix: path },
        })),
        lines: pointed.map(([name, { path }]) => `provider.${name}.options.baseURL = ${endpoint}${path}`),
        ...(pointed.length === 0 && {
          problem: {
            message: `opencode has no key or sign-in for a provider that the gateway knows (${Object.keys(PROVIDERS).join(", ")})`,
            next: "Sign in first (opencode auth login), or set the provider's key, and run it again.",
          },
        }),
      };
    },
    overridden: { paths: Object.keys(PROVIDERS).map(addressOf), project: PROJECT_FILES },
  };
}
