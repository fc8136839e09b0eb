import { AssertionError } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";

/** With this set, what is made becomes what is written down. */
const WRITES = "HYP_WRITE_GOLDEN";

/** Fails with the first line that differs from the file, and when there is none. `HYP_WRITE_GOLDEN=1` writes it. */
export function assertGolden(file: string | URL, text: string): void {
  if ((process.env[WRITES] ?? "") !== "") return writeFileSync(file, text);
  const expected = written(file);
  if (expected === undefined) {
    throw new AssertionError({
      message: `${String(file)} is not there: run once with ${WRITES}=1 and read it`,
    });
  }
  if (expected === text) return;
  const [before, now] = [expected.split("\n"), text.split("\n")];
  const at = now.findIndex((line, index) => line !== before[index]);
  const line = at === -1 ? now.length : at;
  throw new AssertionError({
    message: `line ${line + 1} of ${String(file)} differs. If the new one is right, run with ${WRITES}=1\n- ${before[line]}\n+ ${now[line]}`,
  });
}

function written(file: string | URL): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
