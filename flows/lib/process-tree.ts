import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

// What a process and all its descendants take, by /proc.

const TICK_MS = 10;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Behind the name, which may hold anything. */
function statFields(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

export function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statFields(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Milliseconds of CPU of one process, to the nanosecond, and of its ended children, to the tick. */
export function cpuMs(pid: number): number {
  let tasks: string[] = [];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return 0;
  }
  const ns = tasks.reduce(
    (sum, task) => sum + Number(read(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]),
    0,
  );
  const fields = statFields(pid);
  const ended = Number(fields[13] ?? 0) + Number(fields[14] ?? 0);
  return ns / 1e6 + ended * TICK_MS;
}

export function treeCpuMs(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** Resolves when the tree has done nothing to speak of for half a second: deferred work is done. */
export async function untilIdle(root: number, timeoutMs = 120_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let quiet = 0;
  for (let last = treeCpuMs(root); quiet < 3;) {
    if (performance.now() > deadline) throw new Error(`${root} is not idle after ${timeoutMs / 1_000} s`);
    await sleep(170);
    const now = treeCpuMs(root);
    quiet = now - last < 4 ? quiet + 1 : 0;
    last = now;
  }
}

export function resetPeak(root: number): void {
  for (const pid of treeOf(root)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, "5");
    } catch {
      // Not ours to reset: then the peak is the one since its start.
    }
  }
}

/** Sum of the peaks, in MB. */
export function peakMB(root: number): number {
  return treeOf(root).reduce(
    (sum, pid) => sum + Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024,
    0,
  );
}

/** What the files of a folder take on the disk. */
export function diskBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    try {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).blocks * 512;
    } catch {
      // Replaced in the meantime.
    }
  }
  return bytes;
}
