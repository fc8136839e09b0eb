import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LIMITS } from "../contract/limits.ts";
import type { Catalog } from "./catalog.ts";
import { commitManifest } from "./commit.ts";
import type { MaintainJob } from "./maintain-process.ts";
import type { Manifest } from "./manifest.ts";
import { planMerges } from "./merge-plan.ts";
import { sweepSegments } from "./sweep.ts";
import type { Swept } from "./sweep.ts";

export interface MaintainOptions {
  readonly catalog: Catalog;
  readonly catalogPath: string;
  readonly segmentsDir: string;
  readonly tmpDir: string;
  /** Milliseconds since 1970. */
  readonly settledBefore: number;
  /** A dataset with fewer settled rows is not sealed. */
  readonly minRows: number;
  /** Merge everything that can be, not only what has grown ripe. */
  readonly mergeAll?: boolean;
  readonly signal?: AbortSignal;
  /** A message's rows are hot again, and what they waited for can be done. In the transaction that makes them so. */
  onUnsealed?(node: number): void;
}

export interface Maintained extends Swept {
  readonly sealedRows: number;
  readonly newSegments: number;
  readonly mergedSegments: number;
}

/**
 * Makes hot what has to change, seals what is settled, merges what is ripe and deletes what is left over. Files are written by children; every change of
 * the catalog is a transaction of its own, so that it may be stopped or killed at any point. One at a time, and only for who
 * holds the recorder's lock. Throws Error with the child's words when a child fails; what was committed stays.
 */
export async function maintainStore(options: MaintainOptions): Promise<Maintained> {
  const { catalog, segmentsDir, tmpDir, catalogPath, settledBefore, minRows } = options;
  const common = { catalogPath, segmentsDir, tmpDir, memoryMB: LIMITS.sealMemoryMB };
  const done = { sealedRows: 0, newSegments: 0, mergedSegments: 0 };
  const commit = (manifest: Manifest): boolean => {
    const committed = commitManifest(catalog, manifest, (node) => options.onUnsealed?.(node));
    if (committed === "stale") return false;
    if (manifest.kind === "merge") done.mergedSegments += manifest.replaces.length;
    else if (manifest.kind === "seal")
      [done.sealedRows, done.newSegments] = [done.sealedRows + manifest.segment.rows, done.newSegments + 1];
    return true;
  };
  // What stays sealed for want of a commit is asked for in the next round.
  let waiting = catalog.records.unsealing();
  for (let before = Infinity; waiting > 0 && waiting < before;) {
    await runChild({ kind: "unseal", ...common }, commit, options.signal);
    [before, waiting] = [waiting, catalog.records.unsealing()];
  }
  await runChild({ kind: "seal", ...common, settledBefore, minRows }, commit, options.signal);
  // A merge may fill the class above it, or leave some for the next child; one that committed nothing would be planned again
  // for ever.
  const all = options.mergeAll ?? false;
  for (let went = true; went && planMerges(catalog.segments.listed(), all).length > 0;) {
    went = await runChild({ kind: "merge", ...common, all }, commit, options.signal);
  }
  catalog.shrink(all ? 0 : LIMITS.catalogFreeBytes);
  return { ...done, ...sweepSegments(catalog, segmentsDir) };
}

/** True: something was committed. */
async function runChild(
  job: MaintainJob,
  commit: (manifest: Manifest) => boolean,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const own = fileURLToPath(import.meta.url);
  const program = own.replace(/maintain(\.[jt]s)$/, "maintain-process$1");
  const child = spawn(process.execPath, [program, JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMITS.sealChildMs,
    killSignal: "SIGKILL",
    ...(signal === undefined ? {} : { signal }),
  });
  const exited = once(child, "exit");
  exited.catch(() => {}); // awaited below; an abort may reject it earlier
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LIMITS.logStringChars * 4);
  });
  let committed = false;
  let bytes = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    bytes += line.length;
    if (bytes > LIMITS.sealManifestBytes) {
      child.kill("SIGKILL");
      break;
    }
    committed = commit(JSON.parse(line) as Manifest) || committed;
  }
  const [code, killedBy] = (await exited) as [number | null, string | null];
  if (code !== 0) throw new Error(`${job.kind} child ended with ${code ?? killedBy}: ${words.trim()}`);
  return committed;
}
