import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createContext } from "./context.ts";
import { SkippedFlow } from "./flow.ts";
import type { Flow } from "./flow.ts";
import { killGroups } from "./process.ts";

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..");
const SUFFIX = ".flow.ts";

export function flowNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
}

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs flows one after the other, a line for each. `keep`: leave their folders, and say where they are. */
export async function runFlows(names: readonly string[], keep: boolean): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  process.once("exit", killGroups);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  for (const name of names) tally[await runFlow(name, keep)]++;
  return tally;
}

async function runFlow(name: string, keep: boolean): Promise<keyof Tally> {
  const began = Date.now();
  const owned = createContext(name);
  const seconds = (): string => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  try {
    const flow = (await import(pathToFileURL(join(FOLDER, name + SUFFIX)).href)) as Flow;
    await within(flow.timeoutMs ?? 60_000, flow.default(owned.ctx));
    const notes = owned.notes.map((note) => `; ${note}`).join("");
    console.log(`passed   ${name}: ${flow.title} (${seconds()}${notes})`);
    return "passed";
  } catch (error) {
    if (error instanceof SkippedFlow) {
      console.log(`SKIPPED  ${name}: ${error.message}`);
      return "skipped";
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`FAILED   ${name} (${seconds()})\n${text.replace(/^/gm, "         ")}`);
    return "failed";
  } finally {
    if (keep) console.log(`         kept ${owned.ctx.folder}`);
    await owned.dispose(keep);
  }
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
