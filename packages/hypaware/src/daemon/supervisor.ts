import { type ChildProcess, spawn } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { LIMITS } from "../contract/limits.ts";
import type { Logger } from "../kernel/log.ts";

/** What the recorder tells its supervisor over the process channel. */
export type RecorderMessage =
  | { readonly type: "alive" }
  /** It holds the lock and follows the journals; before that it waits for another recorder of this home. */
  | { readonly type: "recording" };

/** What the supervisor tells the recorder. */
export type SupervisorMessage = { readonly type: "drain" };

export interface SupervisorOptions {
  /** Command line of the recorder after the node binary: entry file and arguments. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Its stderr is appended here. */
  readonly logFile: string;
  readonly log: Logger;
  /** No sign of life for this long: it hangs, and is killed and started again. */
  readonly hungMs?: number;
}

export interface Supervisor {
  readonly pid: number | undefined;
  readonly state: "starting" | "waiting" | "recording" | "restarting" | "stopped";
  readonly restarts: number;
  /** Lets the recorder finish what the journals hold, at most `timeoutMs`, then ends it. */
  stop(timeoutMs: number): Promise<void>;
}

const FIRST_DELAY_MS = 100;
/** What a recorder allocates is garbage when its transaction ends; V8 would let that grow to a hundred megabytes before it looks. */
export const RECORDER_FLAGS: readonly string[] = [`--max-semi-space-size=${LIMITS.recorderSemiSpaceMB}`];

/** Keeps one recorder running beside a gateway: restarted with backoff when it dies, killed when it hangs. Nothing on the byte path waits for it. */
export function superviseRecorder(options: SupervisorOptions): Supervisor {
  const hungMs = options.hungMs ?? LIMITS.projectorMs;
  let child: ChildProcess | undefined;
  let state: Supervisor["state"] = "starting";
  let restarts = 0;
  let delayMs = FIRST_DELAY_MS;
  let lastSignMs = performance.now();
  let retry: NodeJS.Timeout | undefined;

  const watch = setInterval(
    () => {
      if (child === undefined || performance.now() - lastSignMs < hungMs) return;
      options.log.error("recorder.hung", { pid: child.pid ?? 0, silent_ms: hungMs });
      child.kill("SIGKILL");
    },
    Math.min(1_000, hungMs / 2),
  );
  watch.unref();

  function start(): void {
    lastSignMs = performance.now();
    const started = lastSignMs;
    const stderr = openSync(options.logFile, "a", 0o600);
    const spawned = spawn(process.execPath, [...RECORDER_FLAGS, ...options.command], {
      env: options.env,
      stdio: ["ignore", "ignore", stderr, "ipc"],
    });
    closeSync(stderr);
    child = spawned;
    spawned.on("message", (message: RecorderMessage) => {
      lastSignMs = performance.now();
      // A message that was under way when the stop began must not undo it.
      if (state === "stopped") return;
      state = message.type === "recording" ? "recording" : state === "starting" ? "waiting" : state;
    });
    spawned.on("error", (error) => options.log.error("recorder.spawn_failed", { error: error.message }));
    spawned.once("close", (code, signal) => {
      if (child === spawned) child = undefined;
      if (state === "stopped") return;
      options.log.error("recorder.exited", {
        code: code ?? -1,
        signal: signal ?? "",
        last_words: options.logFile,
      });
      state = "restarting";
      restarts += 1;
      // One that lived a while failed for a new reason; one that dies at once is waited for longer each time.
      if (performance.now() - started > LIMITS.recorderRestartMaxMs) delayMs = FIRST_DELAY_MS;
      retry = setTimeout(start, delayMs);
      delayMs = Math.min(delayMs * 2, LIMITS.recorderRestartMaxMs);
    });
  }

  async function stop(timeoutMs: number): Promise<void> {
    state = "stopped";
    clearInterval(watch);
    clearTimeout(retry);
    const running = child;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => running.once("close", () => resolve()));
    if (running.connected) running.send({ type: "drain" } satisfies SupervisorMessage, () => {});
    const timer = setTimeout(() => running.kill("SIGKILL"), timeoutMs);
    await ended;
    clearTimeout(timer);
  }

  start();
  return {
    get pid() {
      return child?.pid;
    },
    get state() {
      return state;
    },
    get restarts() {
      return restarts;
    },
    stop,
  };
}
