import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import type { ClientRecord } from "../contract/record.ts";

/** What stands beside a file of the record, which is at `path` and at `relativePath` below its root. `undefined`: nothing that could be read, or more than is worth it. */
export async function textBeside(
  record: ClientRecord,
  path: string,
  relativePath: string,
): Promise<string | undefined> {
  const name = record.beside?.(relativePath);
  if (name === undefined) return undefined;
  try {
    await using file = await open(join(dirname(path), name), constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size } = await file.stat();
    return size > LIMITS.recordBesideBytes ? undefined : await file.readFile("utf8");
  } catch {
    return undefined;
  }
}
