import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { ClientSettings } from "../contract/plugin.ts";
import type { Surroundings } from "./overrides.ts";

/** The client's command is on the PATH, or a folder of its own is there. */
export function isInstalled(
  { installed: { command, folder } }: ClientSettings,
  env: Surroundings["env"],
): boolean {
  if (existsSync(folder)) return true;
  const folders = (env["PATH"] ?? "").split(delimiter).filter((each) => each !== "");
  const places = command.includes("/") ? [command] : folders.map((each) => join(each, command));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
