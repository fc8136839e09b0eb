import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inOrder } from "./oracle/record.ts";
import { restoreDatabase } from "./restore-database.ts";
import type { RecordFile } from "./scenario.ts";

/** Files have their times from the kernel's clock, which goes on in steps of up to 10 ms. */
const CLOCK_STEP_MS = 25;

/**
 * What a client wrote down, below a person's home: in the order in which the files came into being, which their times of birth must
 * show. Lines are appended to what is there; a database is made once.
 */
export async function writeRecord(files: readonly RecordFile[], home: string): Promise<void> {
  for (const { path, text } of inOrder(files)) {
    const file = join(home, path);
    mkdirSync(dirname(file), { recursive: true });
    if (!path.endsWith(".db")) appendFileSync(file, text);
    else if (!existsSync(file)) restoreDatabase(file, text);
    await sleep(CLOCK_STEP_MS);
  }
}
