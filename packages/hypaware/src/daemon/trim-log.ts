import { copyFileSync, statSync, truncateSync } from "node:fs";
import { LIMITS } from "../contract/limits.ts";

/**
 * Bounds a log that another holder appends to by its descriptor, as a service manager does: a renamed file would go on growing, so what is
 * there is copied to `<name>.1` and cut off. What is appended between the two is lost.
 */
export function trimLog(path: string, maxBytes: number = LIMITS.logFileBytes): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch {
    // There is none, or the disk is full: a log must not stop anything.
  }
}
