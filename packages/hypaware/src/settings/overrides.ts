import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ClientFinding, ClientSettings, JsonObject } from "../contract/plugin.ts";
import { formatOf } from "./format-of.ts";
import { forTerminal } from "./own-addresses.ts";
import { readSettings } from "./settings-file.ts";
import { valueAt } from "./value-at.ts";

/** Where a command is called. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly folder: string;
}

/** What goes before the client's settings, whose text is `text`, and sends its requests elsewhere. Never throws. */
export function overridesOf(
  settings: ClientSettings,
  text: string,
  { env, folder }: Surroundings,
): readonly ClientFinding[] {
  const { overridden, title } = settings;
  if (overridden === undefined) return [];
  const own = valuesOf(settings, text) ?? {};
  const finding = (message: string, repair: string): ClientFinding => ({
    kind: "env_override",
    message: `${title}: ${message}; such requests do not pass the gateway.`,
    repair: [repair],
  });
  const variables = (overridden.variables ?? []).flatMap(({ name, path }): readonly ClientFinding[] => {
    const value = env[name];
    if (value === undefined || value === valueAt(own, path)) return [];
    return [
      finding(
        `${name} is set in the environment (${forTerminal(value)}) and goes before its settings`,
        `unset ${name}`,
      ),
    ];
  });
  const projectFiles = upwards(folder).flatMap((each) => overridden.project.map((name) => join(each, name)));
  const files = [...projectFiles, ...(overridden.machine ?? [])];
  const others = files.filter((file) => existsSync(file) && !isSame(file, settings.file()));
  const inFiles = others.flatMap((file): readonly ClientFinding[] => {
    if (overridden.isHiding === true)
      return [
        finding(
          `${file} is read instead of ${settings.file()}`,
          `Write into ${file} what hyp attach --dry-run shows`,
        ),
      ];
    const values = valuesOf(settings, textOf(file));
    return overridden.paths.flatMap((path): readonly ClientFinding[] => {
      const value = values === undefined ? undefined : valueAt(values, path);
      if (typeof value !== "string" || value === valueAt(own, path)) return [];
      const name = path.join(".");
      return [
        finding(
          `${file} sets ${name} (${forTerminal(value)}) and goes before its own settings`,
          `Remove ${name} from ${file}`,
        ),
      ];
    });
  });
  return [...variables, ...inFiles];
}

function upwards(folder: string): readonly string[] {
  const above = dirname(folder);
  return [folder, ...(above === folder ? [] : upwards(above))];
}

function isSame(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return a === b;
  }
}

function textOf(file: string): string | undefined {
  try {
    return readSettings(file).text;
  } catch {
    return undefined;
  }
}

/** What cannot be read says nothing, to the client as to us. */
function valuesOf(settings: ClientSettings, text: string | undefined): JsonObject | undefined {
  try {
    return text === undefined ? undefined : formatOf(settings).values(text, settings);
  } catch {
    return undefined;
  }
}
