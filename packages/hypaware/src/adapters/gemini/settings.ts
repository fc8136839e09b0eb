import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ClientSettings } from "../../contract/plugin.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const BASE_URL = "GOOGLE_GEMINI_BASE_URL";
const SIGN_IN_URL = "CODE_ASSIST_ENDPOINT";

/**
 * `~/.gemini/.env`: Gemini CLI takes its address from the environment only, and this file is the person's own part of it. Measured
 * with 0.61: it is read in trusted folders, the first `.env` upwards of the project hides it, and a variable goes before it.
 */
export function geminiSettings({
  env,
  version,
}: {
  readonly env: Environment;
  readonly version: string;
}): ClientSettings {
  const home = env["GEMINI_CLI_HOME"] || env["HOME"] || homedir();
  const folder = join(home, ".gemini");
  const file = join(folder, ".env");
  return {
    client: "gemini",
    version,
    title: "Gemini CLI",
    format: "env",
    pathKey: "settings_path",
    file: () => file,
    installed: { command: env["HYP_GEMINI_BIN"] || "gemini", folder },
    wish({ endpoint, values }) {
      // Where there is none of ours the client reads this one, and would not any more.
      const other = join(home, ".env");
      const isFirst = Object.keys(values).length === 0 && !existsSync(file) && existsSync(other);
      const upstreams = [
        [BASE_URL, "gemini"],
        [SIGN_IN_URL, "code-assist"],
      ] as const;
      return {
        changes: upstreams.map(([name, upstream]) => ({
          kind: "set",
          path: [name],
          value: endpoint,
          address: { upstream },
          block: "base_url",
        })),
        lines: [
          `${BASE_URL} = ${endpoint}`,
          `${SIGN_IN_URL} = ${endpoint}: where it goes when it is signed in with Google`,
          "read in folders that you trust and that have no .env of their own",
        ],
        ...(isFirst && {
          problem: {
            message: `Gemini CLI reads ${other}, and would read ${file} instead of it`,
            next: `Move ${other} to ${file}, and run it again; or use: hyp run gemini`,
          },
        }),
      };
    },
    wroteBefore: () => [BASE_URL, SIGN_IN_URL].map((name) => ({ path: [name], value: "" })),
    overridden: {
      paths: [],
      project: [".gemini/.env", ".env"],
      isHiding: true,
      variables: [
        { name: BASE_URL, path: [BASE_URL] },
        { name: SIGN_IN_URL, path: [SIGN_IN_URL] },
      ],
    },
  };
}
