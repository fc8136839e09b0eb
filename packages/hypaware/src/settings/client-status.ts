import { HypError } from "../contract/errors.ts";
import type { ClientAttachment, ClientSettings } from "../contract/plugin.ts";
import { formatOf } from "./format-of.ts";
import { isInstalled } from "./is-installed.ts";
import { named } from "./named.ts";
import { type Surroundings, overridesOf } from "./overrides.ts";
import { readSettings } from "./settings-file.ts";

/** How the client's settings point at us now. Never throws. */
export function clientStatus(settings: ClientSettings, { env, folder }: Surroundings): ClientAttachment {
  const path = settings.file();
  const known = { settings_path: path, installed: isInstalled(settings, env) };
  try {
    const { text } = readSettings(path);
    const format = formatOf(settings);
    const mark = text === undefined ? undefined : named(path, () => format.mark(text, settings));
    if (text === undefined || mark === undefined) return { attached: false, ...known };
    const { version, port, attached_at } = mark;
    const findings = [
      ...(settings.findings?.(mark, format.values(text, settings)) ?? []),
      ...overridesOf(settings, text, { env, folder }),
    ];
    return { attached: true, ...known, version, port, attached_at, findings };
  } catch (error) {
    if (!(error instanceof HypError)) throw error;
    return { attached: false, ...known, error: `${error.message} ${error.next}` };
  }
}
