// Attaches or detaches, and is killed before the n-th operation on files: really, as a process of its own (below), or as good as:
// from then on every operation fails, also those that would clean up.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { settingsFor } from "../settings/settings.testkit.ts";
import { claudeSettings } from "./claude/settings.ts";
// Loaded now, so that no operation of the loader is counted.
import "../settings/attach-file.ts";
import "../settings/detach-file.ts";
import "../settings/report.ts";

export type Action = readonly [action: "attach" | "detach", port: number];

type Operation = (...args: unknown[]) => unknown;
const all = fs as unknown as Record<string, Operation>;
/** Of no process: what it leaves behind is left by a dead one. */
const DEAD_PID = 2 ** 30;

/** Resolves with the exit code and the number of operations. Rejects when it was stopped. */
export async function act(
  home: string,
  [action, port]: Action,
  beforeOperation: (n: number) => void = () => undefined,
): Promise<{ readonly code: number; readonly operations: number }> {
  const settings = claudeSettings({ env: { HOME: home }, version: "2.0.0", stateDir: join(home, "state") });
  // The same time, so that each run writes the same text.
  const now = (): Date => new Date(port * 1_000);
  const capability = settingsFor(join(home, "state"), {}, now).attachable(settings);
  const output = { write: () => true };
  const context = { config: {}, stdout: output, stderr: output, endpoint: `http://127.0.0.1:${port}` };
  const originals = Object.entries(all).filter(
    ([name, each]) => name.endsWith("Sync") && typeof each === "function",
  );
  let operations = 0;
  for (const [name, original] of originals)
    all[name] = Object.assign((...args: unknown[]) => {
      beforeOperation(++operations);
      return original(...args);
    }, original);
  syncBuiltinESMExports();
  try {
    const code = await (action === "attach" ? capability.attach(context) : capability.detach(context));
    return { code, operations };
  } finally {
    Object.assign(all, Object.fromEntries(originals));
    syncBuiltinESMExports();
  }
}

/** True: it was stopped before that operation. */
export async function stoppedBefore(home: string, action: Action, last: number): Promise<boolean> {
  const { pid } = process;
  let isStopped = false;
  const stop = (n: number): void => {
    if (n < last) return;
    isStopped = true;
    throw new Error("killed");
  };
  Object.defineProperty(process, "pid", { value: DEAD_PID, configurable: true });
  try {
    await act(home, action, stop).catch(() => undefined);
  } finally {
    Object.defineProperty(process, "pid", { value: pid, configurable: true });
  }
  return isStopped;
}

const [, program, home = "", action, port, last] = process.argv;
if (program === import.meta.filename)
  await act(home, [action as "attach" | "detach", Number(port)], (n) => {
    if (n === Number(last)) process.kill(process.pid, "SIGKILL");
  });
