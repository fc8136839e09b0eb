import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import type { CliContext } from "./context.ts";
import { registerConfig } from "./config.ts";
import { registerDaemon } from "./daemon.ts";
import { registerQuery } from "./query.ts";
import { registerRecorder } from "./recorder.ts";
import { reportError } from "./report-error.ts";
import { registerReproject } from "./reproject.ts";
import { registerRun } from "./run.ts";
import { registerShow } from "./show.ts";
import { registerSmoke } from "./smoke.ts";
import { registerStatus } from "./status.ts";
import { registerUp } from "./up.ts";

const USAGE = 2;

/** Runs one command line. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never rejects. */
async function main(argv: readonly string[], context: CliContext): Promise<number> {
  const program = new Command("hyp")
    .description("Local-first gateway and recorder for AI coding agents: one true, queryable history")
    .version(ownVersion(), "-v, --version")
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help for usage and examples)")
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .exitOverride()
    .addHelpText("after", FIRST_STEPS);
  for (const register of [
    registerUp,
    registerRun,
    registerStatus,
    registerQuery,
    registerShow,
    registerReproject,
    registerDaemon,
    registerConfig,
    registerSmoke,
    registerRecorder,
  ])
    register(program, context);

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

const FIRST_STEPS = `
First steps:
  hyp up                                 gateway and recorder in this terminal
  hyp run <client>                       a client through the gateway, in another
  hyp query sql "select * from sessions" what was recorded
`;

function ownVersion(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
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
