import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { HypError } from "../contract/errors.ts";

const PRIVATE = 0o700;

/**
 * Makes the folder and its missing parents, each 0700 whatever the umask, and tightens the folder itself if it was looser.
 * Throws HypError `home_unwritable`.
 */
export function ensurePrivateFolder(path: string): void {
  try {
    makePrivate(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HypError("home_unwritable", `${path} cannot be made or used: ${reason}`, { cause: error });
  }
}

function makePrivate(path: string): void {
  const missing: string[] = [];
  for (let at = path; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at))
    missing.push(at);
  // One by one: Node's recursive mkdir never returns below a folder that takes no entries, such as /proc.
  for (const folder of missing.toReversed()) {
    try {
      mkdirSync(folder, PRIVATE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    // mkdir's mode is cut by the umask: a umask of 0777 would leave a folder that we cannot enter.
    chmodSync(folder, PRIVATE);
  }
  const stat = statSync(path);
  if (!stat.isDirectory()) throw new Error("it is not a folder");
  if ((stat.mode & 0o777) !== PRIVATE) chmodSync(path, PRIVATE);
}
