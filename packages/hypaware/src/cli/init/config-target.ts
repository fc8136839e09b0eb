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
  const backup = `${file}.bak-${now.toISOString().replace(/[-:]|\.\d+/g, "")}`;
  copyFileSync(file, backup, constants.COPYFILE_EXCL);
  writeFileAtomic(file, text, statSync(file).mode & 0o777);
  return backup;
}
