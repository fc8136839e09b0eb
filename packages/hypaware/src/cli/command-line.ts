import type { Command } from "commander";
import { existsSync } from "node:fs";
import { resolveHome } from "../kernel/home.ts";
import type { CliContext } from "./context.ts";

const USAGE = 2;

/** Runs one command of the program. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. Never rejects. */
export async function runCommandLine(argv: readonly string[], context: CliContext): Promise<number> {
  const [{ CommanderError }, { buildProgram }, { reportError }] = await Promise.all([
    import("commander"),
    import("./program.ts"),
    import("./report-error.ts"),
  ]);
  const program = buildProgram(context);
  if (!names(program.commands).includes(argv[0] ?? "")) {
    const { addInstalledCommands } = await import("./installed-command.ts");
    await addInstalledCommands(program, context);
  }
  const isHelp = argv.length === 0 || ["help", "--help", "-h"].includes(argv[0]!);
  try {
    if (argv.length > 0) await program.parseAsync([...argv], { from: "user" });
    else if (isFirstTime(context)) return await runCommandLine(["init"], context);
    else program.outputHelp();
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    return reportError(error, context);
  } finally {
    if (isHelp && context.env["HYP_DEV_TELEMETRY"]) {
      const { tellHelp } = await import("./help/telemetry.ts");
      await tellHelp(context, program.commands.length);
    }
  }
}

const names = (commands: readonly Command[]): readonly string[] =>
  commands.flatMap((command) => [command.name(), ...command.aliases()]);

/** Somebody at a terminal who has neither a config nor a history. */
function isFirstTime({ env, stdout }: CliContext): boolean {
  if (!process.stdin.isTTY || !stdout.isTTY) return false;
  const { config, catalog } = resolveHome(env).paths;
  return !existsSync(config) && !existsSync(catalog);
}
