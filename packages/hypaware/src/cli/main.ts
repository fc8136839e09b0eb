import { runContributed } from "./contributed.ts";
import type { CliContext } from "./context.ts";

const USAGE = 2;
const LEFT_OPEN_MS = 500;

/** Runs one command line. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never rejects. */
async function main(argv: readonly string[], context: CliContext): Promise<number> {
  const contributed = await runContributed(argv, context);
  if (contributed !== undefined) return contributed;
  const [{ CommanderError }, { buildProgram }, { reportError }] = await Promise.all([
    import("commander"),
    import("./program.ts"),
    import("./report-error.ts"),
  ]);
  const program = buildProgram(context);
  if (
    !program.commands.some(
      (command) => command.name() === argv[0] || command.aliases().includes(argv[0] ?? ""),
    )
  ) {
    const { addInstalledCommands } = await import("./installed-command.ts");
    await addInstalledCommands(program, context);
  }
  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    return reportError(error, context.stderr);
  }
}

// A reader that goes away (`hyp query … | head`) is not an error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const context: CliContext = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  exitCode: 0,
};
process.exitCode = await main(process.argv.slice(2), context);
if (context.ranInstalled === true) endSoon();

/** A timer or a socket that a plugin left open keeps no command from ending; what is still to be printed does. */
function endSoon(): void {
  const end = (): void => {
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
    endSoon();
  };
  setTimeout(end, LEFT_OPEN_MS).unref();
}
