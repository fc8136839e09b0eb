import { spawn, spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

/** A program at a terminal of its own, made by `script`, which every Linux has. */
export interface Pty {
  /** Waits for what is shown after the last match, then types. Fails with what was shown. */
  type(after: RegExp, keys: string): Promise<void>;
  /** All that was shown, without escape codes. */
  shown(): string;
  readonly exited: Promise<number | null>;
}

export const KEYS = {
  enter: "\r",
  escape: "\u001b",
  down: "\u001b[B",
  ctrlC: "\u0003",
  ctrlD: "\u0004",
} as const;

export function hasPty(): boolean {
  return process.platform === "linux" && spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;
}

/** `command`: for a shell. */
export function startPty(
  command: string,
  env: Readonly<Record<string, string>>,
  { columns = 100, timeoutMs = 30_000, cwd = process.cwd() } = {},
): Pty {
  const child = spawn("script", ["-qec", `stty cols ${columns} rows 50; exec ${command}`, "/dev/null"], {
    env: { ...env, SHELL: "/bin/sh", TERM: "xterm" },
    cwd,
    stdio: "pipe",
  });
  let output = "";
  let seen = 0;
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    // A terminal says where its cursor is and what it can do; some programs do not begin before.
    if (text.includes("\u001b[6n")) child.stdin.write("\u001b[1;1R");
    if (text.includes("\u001b[c")) child.stdin.write("\u001b[?62;c");
  });
  const shown = (): string => stripVTControlCharacters(output).replaceAll("\r", "");
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
  return {
    shown,
    exited,
    async type(after, keys) {
      for (;;) {
        const text = shown().slice(seen);
        const match = after.exec(text);
        if (match !== null) {
          seen += match.index + match[0].length;
          // What shows a question may listen only a moment later.
          await sleep(100);
          child.stdin.write(keys);
          return;
        }
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${after} was not shown:\n${text}`);
        await sleep(20);
      }
    },
  };
}
