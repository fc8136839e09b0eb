import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { HypError } from "../../contract/errors.ts";
import { writeFileAtomic } from "../../disk/atomic.ts";
import { ensurePrivateFolder } from "../../disk/folders.ts";

const PRIVATE = 0o600;

/** The place of the config file, and what stood there when it was looked at. */
export interface ConfigTarget {
  readonly path: string;
  readonly before: string | undefined;
}

/** Throws HypError `config_unreadable`. */
export function lookAtConfig(path: string): ConfigTarget {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return { path, before: undefined };
  try {
    return { path, before: readFileSync(path, "utf8") };
  } catch (error) {
    throw new HypError("config_unreadable", `${path}: ${(error as Error).message}`, { cause: error });
  }
}

export type ConfigAction = "new" | "same" | "replace";

export function configAction({ before }: ConfigTarget, text: string): ConfigAction {
  return before === undefined ? "new" : before === text ? "same" : "replace";
}

/** A config that would be replaced is an error unless it may be. */
export function requireReplaceable(target: ConfigTarget, text: string, isForced: boolean): void {
  if (configAction(target, text) === "replace" && !isForced)
    throw new HypError("config_exists", `${target.path} is there already; nothing was changed.`);
}

/**
 * Writes the text, private, behind a link, with the mode that a file there has; a file that it replaces is copied to
 * `<file>.bak-<time>` before. Resolves with that name. Throws HypError `config_exists` when the file changed since it was looked at.
 */
export function writeConfig({ path, before }: ConfigTarget, text: string, now: Date): string | undefined {
  if (before === text) return undefined;
  if (lookAtConfig(path).before !== before)
    throw new HypError("config_exists", `${path} was changed meanwhile; nothing was written.`, {
      next: "Run hyp init again.",
    });
  if (!existsSync(dirname(path))) ensurePrivateFolder(dirname(path));
  if (before === undefined) {
    writeFileAtomic(path, text, PRIVATE);
    return undefined;
  }
  const file = realpathSync(path);
  const backup = copied(file, `${file}.bak-${now.toISOString().replace(/[-:]|\.\d+/g, "")}`);
  writeFileAtomic(file, text, statSync(file).mode & 0o777);
  return backup;
}

/** Under that name, or one with a number behind it: a second is long for a script. */
function copied(file: string, name: string, next = 2, to = name): string {
  try {
    copyFileSync(file, to, constants.COPYFILE_EXCL);
    return to;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return copied(file, name, next + 1, `${name}-${next}`);
  }
}
