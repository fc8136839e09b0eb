import { execFile } from "node:child_process";

export interface CommandResult {
  /** null: it could not be started, or took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the system to its end. Never rejects. */
export type CommandRunner = (command: string, args: readonly string[]) => Promise<CommandResult>;

/** A stop may take as long as our own stop does. */
const COMMAND_MS = 60_000;

export function commandRunner(env: NodeJS.ProcessEnv): CommandRunner {
  return (command, args) =>
    new Promise((resolve) => {
      execFile(command, [...args], { env, timeout: COMMAND_MS }, (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr });
        else
          resolve({
            code: typeof error.code === "number" ? error.code : null,
            stdout,
            stderr: stderr || error.message,
          });
      });
    });
}
