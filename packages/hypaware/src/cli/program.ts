import { Command } from "commander";
import { registerAttach } from "./attach.ts";
import { registerCompletion } from "./completion/completion.ts";
import { registerConfig } from "./config.ts";
import type { CliContext } from "./context.ts";
import { ownVersion } from "./own-version.ts";
import { registerDaemon } from "./daemon/daemon.ts";
import { registerDetach } from "./detach.ts";
import { registerDoctor } from "./doctor.ts";
import { registerHelp } from "./help/help.ts";
import { helpOutput } from "./help/output.ts";
import { registerInit } from "./init/init.ts";
import { registerImport } from "./import.ts";
import { registerLogs } from "./logs.ts";
import { registerPanic } from "./panic.ts";
import { registerPlugin } from "./plugin/plugin.ts";
import { registerQuery } from "./query/query.ts";
import { registerRecorder } from "./recorder.ts";
import { registerReproject } from "./reproject.ts";
import { registerRun } from "./run.ts";
import { registerShow } from "./show/show.ts";
import { registerSmoke } from "./smoke.ts";
import { registerStatus } from "./status.ts";
import { registerStore } from "./store.ts";
import { registerTail } from "./tail.ts";
import { registerUp } from "./up.ts";
import { registerVerify } from "./verify.ts";

const FIRST_STEPS = `
Examples:
  hyp init                                asks what to record, and sets it up
  hyp up                                  gateway and recorder in this terminal
  hyp run <client>                        a client through the gateway, in another
  hyp attach <client>                     the same for good: its own settings say so, until hyp detach
  hyp query sql "select * from sessions"  what was recorded
`;

/** In the order and under the headings of `hyp help`. */
const COMMANDS = {
  Record: [registerInit, registerUp, registerRun, registerAttach, registerDetach, registerImport],
  Ask: [registerQuery, registerShow, registerTail],
  Check: [registerStatus, registerDoctor, registerLogs, registerVerify, registerReproject, registerStore],
  Steer: [registerDaemon, registerPanic, registerConfig, registerPlugin],
  Help: [registerHelp, registerCompletion, registerSmoke, registerRecorder],
} as const;

/** The whole command line. Throws CommanderError for wrong usage and after help. */
export function buildProgram(context: CliContext): Command {
  const program = new Command("hyp")
    .description("Local-first gateway and recorder for AI coding agents: one true, queryable history")
    .version(ownVersion(), "-v, --version")
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help for usage and examples)")
    .enablePositionalOptions()
    .configureOutput(helpOutput(context))
    .exitOverride()
    .addHelpText("after", FIRST_STEPS);
  for (const [heading, registers] of Object.entries(COMMANDS)) {
    program.commandsGroup(`${heading}:`);
    for (const register of registers) register(program, context);
  }
  // `hyp help <command>` is the one way, and groups list only what is theirs.
  for (const group of program.commands) group.helpCommand(false);
  return program;
}
