import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Daemon, daemonReady, readJson } from "./daemon.ts";
import type { FlowContext } from "./flow.ts";
import type { Running } from "./process.ts";

/** What the unit that we install says: Restart=always, RestartSec=200ms. */
const RESTART_MS = 200;

/** Keeps a daemon running as a service manager does, whatever ends it. `passedSocket`: the address that it holds for the daemon. */
export class RestartingService {
  readonly #ctx: FlowContext;
  readonly #passedSocket: number | undefined;
  #running: Running | undefined;
  #isStopped = false;
  #startedAt = 0;
  /** How often it was started. */
  starts = 0;

  constructor(ctx: FlowContext, passedSocket?: number) {
    this.#ctx = ctx;
    this.#passedSocket = passedSocket;
    void this.#keep();
  }

  /** The daemon that runs now, once its gateway answers. */
  daemon(): Promise<Daemon> {
    if (this.#running === undefined) throw new Error("between two daemons");
    return daemonReady(this.#running, this.#ctx.state);
  }

  /** From its process to its listening, of the daemon that runs now. */
  lastStartMs(): number {
    const status = readJson(join(this.#ctx.state, "run", "status.json")) as { readonly healthyAt: string };
    return Date.parse(status.healthyAt) - this.#startedAt;
  }

  /** Ends the daemon that runs now, if one does. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.signal(signal);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.signal("SIGTERM");
    await this.#running?.exited;
  }

  async #keep(): Promise<void> {
    while (!this.#isStopped) {
      this.starts++;
      this.#startedAt = Date.now();
      const { configPath } = this.#ctx;
      this.#running = this.#ctx.startHyp(["daemon", "run", "--foreground", "--config", configPath], {
        env: { HYP_SERVICE: "simulated" },
        ...(this.#passedSocket !== undefined && { passedSocket: this.#passedSocket }),
      });
      await this.#running.exited;
      this.#running = undefined;
      if (!this.#isStopped) await sleep(RESTART_MS);
    }
  }
}
