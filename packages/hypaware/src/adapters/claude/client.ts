import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ClientRegistration, JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, parseJson } from "../../protocols/loose.ts";
import { BASE_URL, type Environment, FEATURES } from "./features.ts";

const FLAG = "--settings";

/**
 * How `hyp run claude` starts it. `HYP_CLAUDE_BIN` names the command when it is not `claude`. Its settings files go before the environment,
 * and what it is given on its command line before both (measured with 2.1.197 and 2.1.330): where a file names another address, ours is
 * given there.
 */
export function claudeLaunch(
  env: Environment,
  folder = process.cwd(),
): NonNullable<ClientRegistration["launch"]> {
  return ({ endpoint, args }) => {
    const settled = addressInSettings(env, folder, args);
    return {
      command: env["HYP_CLAUDE_BIN"] || "claude",
      args: settled === undefined || settled === endpoint ? args : withSettings(args, endpoint),
      env: {
        [BASE_URL]: endpoint,
        // What the person set stays, also when it is "off".
        ...Object.fromEntries(
          FEATURES.filter(({ name }) => env[name] === undefined).map(({ name, value }) => [name, value]),
        ),
      },
      ...(settled !== undefined && { replaces: settled }),
    };
  };
}

/** Of the nearest settings that name one: of the command line, the project in `folder`, the person. */
function addressInSettings(env: Environment, folder: string, args: readonly string[]): string | undefined {
  const home = env["CLAUDE_CONFIG_DIR"] || join(env["HOME"] || homedir(), ".claude");
  const project = join(folder, ".claude");
  const files = [
    join(project, "settings.local.json"),
    join(project, "settings.json"),
    join(home, "settings.json"),
  ];
  const given = givenSettings(args);
  for (const settings of [...(given === undefined ? [] : [given.settings]), ...files.map(readSettings)]) {
    const address = asName(asObject(settings?.["env"])?.[BASE_URL]);
    if (address !== undefined) return address;
  }
  return undefined;
}

function withSettings(args: readonly string[], endpoint: string): readonly string[] {
  const given = givenSettings(args);
  const settings = {
    ...given?.settings,
    env: { ...asObject(given?.settings?.["env"]), [BASE_URL]: endpoint },
  };
  const text = JSON.stringify(settings);
  if (given === undefined) return [FLAG, text, ...args];
  return [...args.slice(0, given.from), FLAG, text, ...args.slice(given.to)];
}

/** `--settings <file or JSON>` or `--settings=…` as the person gave it; what stands behind `--` is no option. */
function givenSettings(
  args: readonly string[],
): { readonly from: number; readonly to: number; readonly settings: JsonObject | undefined } | undefined {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  const from = options.findLastIndex((arg) => arg === FLAG || arg.startsWith(`${FLAG}=`));
  const option = options[from];
  if (option === undefined) return undefined;
  const to = from + (option === FLAG ? 2 : 1);
  const value = option === FLAG ? (options[from + 1] ?? "") : option.slice(FLAG.length + 1);
  return { from, to, settings: /^\s*\{/.test(value) ? asObject(parseJson(value)) : readSettings(value) };
}

function readSettings(file: string): JsonObject | undefined {
  try {
    return asObject(parseJson(readFileSync(file, "utf8")));
  } catch {
    // It has none, or the client says itself what is wrong with them.
    return undefined;
  }
}
