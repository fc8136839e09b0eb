import { type CommandResult, runCommand } from "../kernel/run-command.ts";

/** Runs a command of the system to its end. Never rejects: one that cannot be started has the code null and the reason in `stderr`. */
export type CommandRunner = (command: string, args: readonly string[]) => Promise<CommandResult>;

/** A stop may take as long as our own stop does. */
const COMMAND_MS = 60_000;

export function commandRunner(env: NodeJS.ProcessEnv): CommandRunner {
  return async (command, args) => {
    try {
      return await runCommand(command, args, { cwd: process.cwd(), env, timeoutMs: COMMAND_MS });
    } catch (error) {
      return { code: null, stdout: "", stderr: error instanceof Error ? error.message : String(error) };
    }
  };
}
