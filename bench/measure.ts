import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LoadOrder, LoadResult } from "./load.ts";
import { cpuMs, diskBytes, peakMB, resetPeak, treeCpuMs, untilIdle } from "../flows/lib/process-tree.ts";
import type { Scenario } from "./scenarios.ts";
import type { Target } from "./targets.ts";

const LOAD_TIMEOUT_MS = 180_000;

/** One run of one scenario against one target. `undefined`: there is nothing to measure. */
export interface Run extends LoadResult {
  /** Milliseconds a request, of the whole process tree, until it is idle again. */
  readonly cpu: number | undefined;
  /** … of these, of the process that carries the bytes, where others do the rest. */
  readonly carrierCpu: number | undefined;
  readonly peakMB: number | undefined;
  /** Bytes an exchange. */
  readonly disk: number | undefined;
}

let marks = 0;

export async function measure(target: Target, scenario: Scenario, requests: number): Promise<Run> {
  const order: LoadOrder = { port: target.port, scenario: scenario.name, requests, firstMark: marks };
  marks += requests;
  const { pid, folder } = target;
  if (pid !== undefined) resetPeak(pid);
  const before = pid === undefined ? undefined : [treeCpuMs(pid), cpuMs(pid)];
  const diskBefore = folder === undefined ? 0 : diskBytes(folder);
  const result = await load(order);
  if (pid === undefined || before === undefined) {
    return { ...result, cpu: undefined, carrierCpu: undefined, peakMB: undefined, disk: undefined };
  }
  await untilIdle(pid);
  return {
    ...result,
    cpu: (treeCpuMs(pid) - before[0]!) / requests,
    carrierCpu: folder === undefined ? undefined : (cpuMs(pid) - before[1]!) / requests,
    peakMB: peakMB(pid),
    disk: folder === undefined ? undefined : (diskBytes(folder) - diskBefore) / requests,
  };
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const program = join(import.meta.dirname, "load.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(order)], {
    timeout: LOAD_TIMEOUT_MS,
  });
  return JSON.parse(stdout) as LoadResult;
}
