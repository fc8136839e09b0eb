import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { ensurePrivateFolder } from "../disk/folders.ts";

const NAME = /^query-(\d+)-/;

/** Removes the folders of commands that were killed. */
export function sweepScratch(tmpDir: string): void {
  ensurePrivateFolder(tmpDir);
  for (const name of readdirSync(tmpDir)) {
    const owner = NAME.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner)))
      rmSync(join(tmpDir, name), { recursive: true, force: true });
  }
}

/** A folder of one command's own for what does not fit in memory; gone afterwards, as are those of killed ones. */
export async function withScratchFolder<T>(tmpDir: string, work: (folder: string) => Promise<T>): Promise<T> {
  sweepScratch(tmpDir);
  const folder = join(tmpDir, `query-${process.pid}-${randomBytes(6).toString("hex")}`);
  ensurePrivateFolder(folder);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
