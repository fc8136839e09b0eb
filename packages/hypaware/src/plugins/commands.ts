import { isInsidePath } from "../kernel/inside-path.ts";
import type { Manifest } from "../kernel/manifest.ts";

const NAME = /^[a-z][a-z0-9-]*$/;

/** The commands that a plugin adds: name → module, relative to its folder. What is no name or no such path is left out. */
export function commandsOf({ contributes }: Manifest): Readonly<Record<string, string>> {
  const commands = contributes?.["commands"];
  if (typeof commands !== "object" || commands === null) return {};
  return Object.fromEntries(
    Object.entries(commands).filter(
      (entry): entry is [string, string] =>
        NAME.test(entry[0]) && typeof entry[1] === "string" && isInsidePath(entry[1]),
    ),
  );
}
