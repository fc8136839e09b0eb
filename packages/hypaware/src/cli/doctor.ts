import type { Command } from "commander";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Diagnostic, entryOf } from "../contract/diagnostics.ts";
import { acknowledge } from "../status/acknowledged.ts";
import { confirm } from "./confirm.ts";
import { type CliContext, withApp } from "./context.ts";
import { statusOf } from "./status.ts";
import { diagnosticLines } from "./status-text.ts";

interface DoctorOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly acknowledge?: boolean;
}

export function registerDoctor(program: Command, context: CliContext): void {
  program
    .command("doctor")
    .description("what needs attention, and the safe repairs of it, each with your consent")
    .option("-y, --yes", "run every safe repair without asking")
    .option("--dry-run", "only say what would be run")
    .option("--acknowledge", "what happened until now (errors in the log, holes in the record) was seen")
    .addHelpText(
      "after",
      `
Exit code 0 when nothing that degrades the record is left, else 1.

Examples:
  hyp doctor
  hyp doctor --yes
  hyp doctor --acknowledge
`,
    )
    .action((options: DoctorOptions) => doctor(context, options));
}

async function doctor(context: CliContext, options: DoctorOptions): Promise<void> {
  const found = await look(context, (paths) => options.acknowledge === true && acknowledge(paths));
  const repairs = found.filter((each) => entryOf(each).repairedBy === "doctor");
  let hasRun = false;
  for (const each of repairs) {
    context.stdout.write(`${diagnosticLines(each).join("\n")}\n`);
    if (options.dryRun === true) continue;
    if (options.yes !== true && !(await isAgreed(context, each))) continue;
    hasRun = true;
    for (const command of each.repair) if ((await run(context, command)) !== 0) break;
  }
  const left = hasRun ? await look(context) : found;
  if (left.length === 0) context.stdout.write("Nothing needs attention.\n");
  else if (hasRun || repairs.length < left.length) {
    const others = hasRun ? left : left.filter((each) => !repairs.includes(each));
    context.stdout.write(`Left for you:\n${others.flatMap(diagnosticLines).join("\n")}\n`);
  }
  if (left.some((each) => entryOf(each).degrades)) context.exitCode = 1;
}

async function look(
  context: CliContext,
  before: (paths: Parameters<typeof acknowledge>[0]) => unknown = () => undefined,
): Promise<readonly Diagnostic[]> {
  let found: readonly Diagnostic[] = [];
  await withApp(context, "doctor", {}, async (app) => {
    before(app.paths);
    found = (await statusOf(app, context.env, "doctor")).diagnostics;
  });
  return found;
}

function isAgreed(context: CliContext, { repair }: Diagnostic): Promise<boolean> | false {
  if (!process.stdin.isTTY) {
    context.stdout.write("            (not run: no terminal to ask on; --yes runs it)\n");
    return false;
  }
  return confirm(`Run ${repair.join(", then ")}?`, context.stderr);
}

/** A repair of the table: this program with plain words. Resolves with its exit code. */
function run(context: CliContext, command: string): Promise<number> {
  const [, ...args] = command.split(" ");
  context.stdout.write(`> ${command}\n`);
  const main = fileURLToPath(new URL("main.js", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { stdio: "inherit", env: context.env });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
