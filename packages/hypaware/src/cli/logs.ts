import { type Command, Option } from "commander";
import { logLines } from "../status/log-lines.ts";
import { type CliContext, withApp } from "./context.ts";
import { neutral } from "./neutral.ts";
import { sinceWhen } from "./since-option.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
const DAY_MS = 86_400_000;

export function registerLogs(program: Command, context: CliContext): void {
  program
    .command("logs")
    .description("what gateway and recorder logged; oldest first")
    .addOption(new Option("--level <level>", "this one and above").choices(LEVELS).default("info"))
    .option("--since <time>", "7d, 2026-03-01; default: the last day", (text) => sinceWhen(text))
    .option("--json", "the lines as they were written, one JSON object each")
    .addHelpText("after", "\nExamples:\n  hyp logs\n  hyp logs --level error --since 7d\n")
    .action((options: { level: (typeof LEVELS)[number]; since?: number; json?: boolean }) =>
      withApp(context, "logs", {}, async (app) => {
        const least = LEVELS.indexOf(options.level);
        const lines = logLines(app.paths, options.since ?? Date.now() - DAY_MS).filter(
          ({ level }) => LEVELS.indexOf(level as (typeof LEVELS)[number]) >= least,
        );
        for (const line of lines)
          context.stdout.write(options.json === true ? `${line.text}\n` : `${neutral(asLine(line))}\n`);
        if (lines.length === 0)
          context.stderr.write(`Nothing of level ${options.level} or above in ${app.paths.logs}.\n`);
      }),
    );
}

const KNOWN = new Set(["ts", "level", "event", "pid", "hyp_component"]);

function asLine({ at, log, level, event, text }: ReturnType<typeof logLines>[number]): string {
  const fields = Object.entries(JSON.parse(text) as object).filter(([key]) => !KNOWN.has(key));
  const pairs = fields.map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${new Date(at).toISOString()} ${log.padEnd(8)} ${level.padEnd(5)} ${event}${pairs.join("")}`;
}
