import { spawn } from "node:child_process";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

export interface CommandOptions {
  /** Added to the flow's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Default 30 s, then the whole group is killed and `code` is null. */
  readonly timeoutMs?: number;
  /** Of `start`: descriptor 3 of the process, and the environment that says so, as sd_listen_fds(3) has it. */
  readonly passedSocket?: number;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process in a group of its own, so that whatever it leaves behind can be ended with it. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<Finished>;
  stdout(): string;
  stderr(): string;
  /** First match in stdout. Rejects with what was printed when the process ends or the time is over. */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
}

const groups = new Set<number>();

/** Ends every process that was started here, with its descendants. Safe in an exit handler. */
export function killGroups(): void {
  for (const pid of groups) killGroup(pid);
  groups.clear();
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

const ACTIVATED = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"';

export function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  options: CommandOptions = {},
): Running {
  const passed = options.passedSocket;
  // The variable names the process that it is meant for, which only that process can know before it begins.
  const words = passed === undefined ? [command, ...args] : ["/bin/sh", "-c", ACTIVATED, command, ...args];
  const child = spawn(words[0] ?? command, words.slice(1), {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe", ...(passed === undefined ? [] : [passed])],
  });
  const { pid, stdout: out, stderr: err, stdin } = child;
  if (pid === undefined || out === null || err === null || stdin === null) {
    // Says the same, later and to everybody.
    child.on("error", () => {});
    throw new Error(`cannot start ${command}`);
  }
  groups.add(pid);
  let stdout = "";
  let stderr = "";
  out.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  err.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // A child that ends without reading its input breaks the pipe.
  stdin.on("error", () => {});
  stdin.end(options.input ?? "");
  const exited = new Promise<Finished>((resolve, reject) => {
    child.once("error", reject);
    // `close` would wait for descendants that inherited the pipes; what they still print belongs to nobody.
    child.once("exit", (code, signal) => {
      setTimeout(() => resolve({ code, signal, stdout, stderr }), 20);
    });
  });
  exited.catch(() => {});
  return {
    pid,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    async waitForOutput(pattern, timeoutMs = 15_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const match = pattern.exec(stdout);
        if (match !== null) return match;
        const over = child.exitCode !== null || child.signalCode !== null || Date.now() > deadline;
        if (over) throw new Error(`${pattern} was not printed\nstdout: ${stdout}\nstderr: ${stderr}`);
        await sleep(20);
      }
    },
  };
}

/** Runs to the end; a process that takes too long is killed with its group. */
export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  options: CommandOptions = {},
): Promise<Finished> {
  const running = start(command, args, env, options);
  const timer = setTimeout(() => killGroup(running.pid), options.timeoutMs ?? 30_000);
  try {
    return await running.exited;
  } finally {
    clearTimeout(timer);
    killGroup(running.pid);
    groups.delete(running.pid);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Polls until `check` gives something, `false` being nothing; its last error or `what` is the failure. */
export async function eventually<T>(
  what: string,
  check: () => T | false | undefined | Promise<T | false | undefined>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = new Error(`not within ${timeoutMs} ms: ${what}`);
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw last;
    await sleep(25);
  }
}
