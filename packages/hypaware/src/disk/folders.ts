import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

const PRIVATE = 0o700;

/** Makes the folder and its missing parents, each 0700 whatever the umask, and tightens the folder itself if it was looser. */
export function ensurePrivateFolder(path: string): void {
  const missing: string[] = [];
  for (let at = path; statSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at))
    missing.push(at);
  for (const folder of missing.toReversed()) {
    // `recursive` only so that another process may be faster.
    mkdirSync(folder, { recursive: true, mode: PRIVATE });
    // The umask cut that mode: one of 0277 would leave a folder in which we cannot make the next.
    chmodSync(folder, PRIVATE);
  }
  if ((statSync(path).mode & 0o777) !== PRIVATE) chmodSync(path, PRIVATE);
}
