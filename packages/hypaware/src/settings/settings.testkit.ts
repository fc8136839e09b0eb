import type { Settings } from "../contract/plugin.ts";
import { QUIET } from "../kernel/telemetry.ts";
import { createSettings } from "./attachable.ts";

/** The capability as a plugin gets it, for tests that attach nothing or only below the folder `state`. */
export function settingsFor(
  state = "/nowhere",
  env: Readonly<Record<string, string>> = {},
  now = () => new Date(),
): Settings {
  const host = { state, hyp: "/opt/hyp/bin/hyp", observer: QUIET, env, folder: "/", now };
  return createSettings(host).viewFor({ plugin: "test", onDispose: () => undefined });
}
