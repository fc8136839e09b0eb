import type { CliContext } from "./context.ts";

async function main(argv: readonly string[], context: CliContext): Promise<number> {
  if (argv[0] === "complete" && argv[1] === "--") {
    const { printCompletions } = await import("./print-completions.ts");
    printCompletions(argv.slice(2), context.stdout);
    return 0;
  }
  const { runContributed } = await import("./contributed.ts");
  const contributed = await runContributed(argv, context);
  if (contributed !== undefined) return contributed;
  const { runCommand } = await import("./run-command.ts");
  return runCommand(argv, context);
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
