import type { Command } from "commander";
import type { CliContext } from "./context.ts";
import { buildProgram } from "./program.ts";

export interface Terminal {
  /** What the program wrote, on standard output and on standard error. */
  readonly out: { text: string };
  readonly err: { text: string };
  readonly context: CliContext;
}

export interface TerminalOptions {
  /** Absent: no terminal. */
  readonly columns?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Somewhere to write that can be read. */
export function terminal({ columns, env = {} }: TerminalOptions = {}): Terminal {
  const into = (output: { text: string }): NodeJS.WriteStream =>
    ({
      isTTY: columns !== undefined,
      columns,
      write: (text: string) => Boolean((output.text += text)),
    }) as unknown as NodeJS.WriteStream;
  const out = { text: "" };
  const err = { text: "" };
  return { out, err, context: { env, stdout: into(out), stderr: into(err), exitCode: 0 } };
}

/** Commands that people see, with the words that call each. */
export function visibleCommands(
  program: Command,
): readonly { readonly path: readonly string[]; readonly command: Command }[] {
  const below = (parent: Command, path: readonly string[]): ReturnType<typeof visibleCommands> =>
    parent
      .createHelp()
      .visibleCommands(parent)
      .flatMap((command) => {
        const here = [...path, command.name()];
        return [{ path: here, command }, ...below(command, here)];
      });
  return below(program, []);
}

/** The whole help of one command, as it stands on that terminal. */
export function helpOf(path: readonly string[], options: TerminalOptions = {}): string {
  const { context, out } = terminal(options);
  const program = buildProgram(context);
  const [found] = visibleCommands(program).filter((each) => each.path.join(" ") === path.join(" "));
  (path.length === 0 ? program : found!.command).outputHelp();
  return out.text;
}
