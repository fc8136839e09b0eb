import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { postMessage } from "@hypaware/testkit";
import type { PostedMessage } from "@hypaware/testkit";
import type { Daemon } from "./daemon.ts";
import type { FlowContext } from "./flow.ts";

/** No warning, no cleaning up: what a crash and the kernel's memory killer do. False: it had ended by itself just now. */
export function killHard(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Keeps one daemon running, as a service manager would, and can crash it. */
export class RestartLoop {
  readonly #ctx: FlowContext;
  readonly killedAt: number[] = [];
  daemon: Daemon;

  private constructor(ctx: FlowContext, daemon: Daemon) {
    this.#ctx = ctx;
    this.daemon = daemon;
  }

  static async begin(ctx: FlowContext): Promise<RestartLoop> {
    return new RestartLoop(ctx, await ctx.startDaemon());
  }

  /** Resolves when the next daemon answers on the same address. */
  async crash(): Promise<void> {
    this.killedAt.push(Date.now());
    killHard(this.daemon.pid);
    await this.daemon.process.exited;
    this.daemon = await this.#ctx.startDaemon();
  }

  /**
   * Milliseconds from an exchange's last byte to the end of the daemon that carried it; negative when the byte was still
   * on its way then, undefined when there is no last byte, Infinity when that daemon was not crashed.
   */
  margin({ startedAt, answer }: Attempt): number | undefined {
    if (answer.completedAt === undefined) return undefined;
    // A connection does not outlive its daemon, so the first crash after the beginning is the one.
    return (this.killedAt.find((killed) => killed >= startedAt) ?? Infinity) - answer.completedAt;
  }
}

/** One prompt that nobody else sends, and what came back. */
export interface Attempt {
  readonly id: string;
  /** `Date.now()` before it was sent. */
  readonly startedAt: number;
  readonly answer: PostedMessage;
}

/** `clients` programs that ask again and again until told to stop, each prompt with its own id. */
export class Crowd {
  readonly attempts: Attempt[] = [];
  readonly #workers: Promise<void>[];
  #stopped = false;

  /** `directive`: what the fake model is told, as in `SAY:slow 300 6`. */
  constructor(url: string, clients: number, directive: string) {
    this.#workers = Array.from({ length: clients }, (_, worker) => this.#work(url, worker, directive));
  }

  async stop(): Promise<readonly Attempt[]> {
    this.#stopped = true;
    await Promise.all(this.#workers);
    return this.attempts;
  }

  async #work(url: string, worker: number, directive: string): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const id = `attempt-${worker}-${n}`;
      const startedAt = Date.now();
      const answer = await postMessage(url, `${id}\n${directive}`, { sessionId: id, timeoutMs: 10_000 });
      this.attempts.push({ id, startedAt, answer });
      // A client whose server is away waits a little; a crowd that does not would only measure refusals.
      if (answer.completedAt === undefined) await sleep(50);
    }
  }
}
