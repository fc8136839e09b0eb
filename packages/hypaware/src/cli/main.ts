import type { CliContext } from "./context.ts";

const LEFT_OPEN_MS = 500;

/** Runs one command line. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never rejects. */
async function main(argv: readonly string[], context: CliContext): Promise<number> {
  if (argv[0] === "complete" && argv[1] === "--") {
    const { printCompletions } = await import("./completion/print-completions.ts");
    printCompletions(argv.slice(2), context.stdout);
    return 0;
  }
  const { runContributed } = await import("./contributed.ts");
  const contributed = await runContributed(argv, context);
  if (contributed !== undefined) return contributed;
  const { runCommandLine } = await import("./command-line.ts");
  return runCommandLine(argv, context);
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
if (context.hasInstalled === true) endSoon();

/** A timer or a socket that a plugin left open keeps no command from ending; what is still to be printed does. */
function endSoon(): void {
  const end = (): void => {
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
    endSoon();
  };
  setTimeout(end, LEFT_OPEN_MS).unref();
}
