import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HomePaths } from "../contract/home.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";

/** What happened before the person last said "seen" is not shown again, and nothing older than a day is news. */
const RECENT_MS = 86_400_000;

const fileOf = ({ run }: HomePaths): string => join(run, "acknowledged.json");

/** From when on something that happened needs attention; milliseconds since 1970. */
export function newsSince(paths: HomePaths, now = Date.now()): number {
  let seen = 0;
  try {
    const { at } = JSON.parse(readFileSync(fileOf(paths), "utf8")) as { at?: string };
    seen = Date.parse(at ?? "") || 0;
  } catch {
    // Nobody has looked yet.
  }
  return Math.max(seen, now - RECENT_MS);
}

/** The person has seen what happened until now. */
export function acknowledge(paths: HomePaths, at = new Date()): void {
  ensurePrivateFolder(paths.run);
  writeFileAtomic(fileOf(paths), `${JSON.stringify({ at: at.toISOString() })}\n`);
}
