import { existsSync, readFileSync } from "node:fs";

/** Resident memory in MB; undefined where the system has no /proc. */
export function rssMB(pid: number): number | undefined {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return undefined;
  const [, kB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(path, "utf8")) ?? [];
  return kB === undefined ? undefined : Number(kB) / 1024;
}

/** Watches the largest resident memory of a process. */
export class RssPeak {
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(pid: number) {
    this.#timer = setInterval(() => (this.#peak = Math.max(this.#peak, rssMB(pid) ?? 0)), 20);
  }

  /** In MB; 0 where the system does not tell. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#peak;
  }
}
