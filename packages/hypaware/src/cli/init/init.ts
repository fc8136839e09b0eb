import { type Command, Option } from "commander";
import { readFileSync } from "node:fs";
import { type App, openApp } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import { type CliContext, withApp } from "../context.ts";
import { Finale } from "./finale.ts";
import { type Choices, EXPORTS, type InitOptions, chosenBy, presetNames } from "./choices.ts";
import { composeConfig } from "./compose-config.ts";
import {
  type ConfigTarget,
  configAction,
  lookAtConfig,
  requireReplaceable,
  writeConfig,
} from "./config-target.ts";
import { type Offer, offerOf } from "./offer.ts";
import { planText } from "./plan.ts";
import { wholeNumber } from "../number-option.ts";
import { writeFitted } from "../terminal.ts";

export function registerInit(program: Command, context: CliContext): void {
  const each = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  program
    .command("init")
    .argument("[preset]", "a client, or all; without, what is found on this machine")
    .description("set HypAware up: config, gateway, clients' settings, import, first query")
    .option("-y, --yes", "ask nothing")
    .option("--no-daemon", "install and start no gateway")
    .option("--no-import", "do not read what clients wrote down of earlier sessions")
    .option("--dry-run", "show what would be written, write nothing")
    .option(
      "--client <client>",
      "record this client and point its settings at the gateway (repeatable)",
      each,
    )
    .option("--source <source>", "record this client or API, change no settings (repeatable)", each)
    .addOption(new Option("--export <export>", "where the history goes beside the store").choices(EXPORTS))
    .option("--retention-days <days>", "written into the config", wholeNumber)
    .option("--from-file <file>", "check this config and put it in its place; nothing else")
    .option("--bin <path>", "the hyp that the service starts")
    .option("--force", "replace a config that is there; a copy is kept beside it")
    .addHelpText(
      "after",
      `
In a terminal it asks, shows everything that it will write, and writes after your word. With --yes, and where no
terminal is, it asks nothing; --dry-run shows what it would write.
Every step is a command of its own (daemon install, attach, import, query): what fails says how to go on.
Exits with 1 when a step failed.

Examples:
  hyp init                       asks
  hyp init --dry-run --yes       what would be written, for what is found here
  hyp init --client <client> --yes
  hyp init --yes --no-daemon     config and import; you start the gateway yourself with hyp up
`,
    )
    .action((preset: string | undefined, options: InitOptions) =>
      withApp(context, "init", { ignoreConfig: true }, (app) => init(context, app, preset, options)),
    );
}

async function init(
  context: CliContext,
  app: App,
  preset: string | undefined,
  options: InitOptions,
): Promise<void> {
  const target = lookAtConfig(app.paths.config);
  if (options.fromFile !== undefined) return initFromFile(context, target, options.fromFile, options);

  const offer = await offerOf(app, context.env);
  const { choices: initial, planned } = chosenBy(offer, preset, options);
  for (const line of planned) context.stdout.write(`${line}\n`);
  if (initial.sources.length === 0) {
    context.stdout.write("Nothing that can be recorded was chosen; nothing was written.\n");
    return;
  }
  if (options.retentionDays !== undefined)
    context.stdout.write(
      "note: the retention is written into the config; this version removes no rows by their age yet.\n",
    );

  const isAsked = options.yes !== true && process.stdin.isTTY && context.stdout.isTTY;
  const bin = options.bin === undefined ? [] : ["--bin", options.bin];
  const text = (choices: Choices): string => composeConfig(choices, offer);
  const plan = (choices: Choices): Promise<string> => planText(context, choices, target, text(choices), bin);
  let choices: Choices | undefined = initial;
  if (isAsked) {
    const { wizard } = await import("./wizard.ts");
    choices = await wizard({
      offer,
      initial,
      plan,
      replaces: (each) => configAction(target, text(each)) === "replace",
      isDryRun: options.dryRun === true,
    });
  } else {
    if (options.yes !== true && !isAnswered(preset, options)) throw nobodyToAsk(offer);
    if (options.dryRun === true) writeFitted(await plan(initial), context.stdout);
    else requireReplaceable(target, text(initial), options.force === true);
  }
  if (choices === undefined) context.exitCode = 1;
  if (choices === undefined || options.dryRun === true) return;
  await carryOut(context, app, { target, text: text(choices), choices, offer, bin });
}

interface Decided {
  readonly target: ConfigTarget;
  readonly text: string;
  readonly choices: Choices;
  readonly offer: Offer;
  readonly bin: readonly string[];
}

async function carryOut(
  context: CliContext,
  app: App,
  { target, text, choices, offer, bin }: Decided,
): Promise<void> {
  for (const kind of ["sources", "clients"] as const)
    app.log.info("walkthrough.pick", { pick_type: kind, pick_value: choices[kind].join(", ") });
  const written = app.telemetry.span("walkthrough.write_config", { config_path: target.path }, () =>
    putConfig(context, target, choices.keepsConfig === true ? (target.before ?? text) : text),
  );
  await app.telemetry.span("walkthrough.finish", {}, async (span) => {
    const isDone = await new Finale(context, app, [written]).run(choices, offer, bin);
    span.set({ status: isDone ? "ok" : "failed" });
    if (!isDone) context.exitCode = 1;
  });
}

/** Whether the command line says anything about what to do. */
function isAnswered(preset: string | undefined, options: InitOptions): boolean {
  const { client, source, export: target, retentionDays, dryRun, bin, force } = options;
  const given = [preset, client, source, target, retentionDays, dryRun, bin, force];
  return given.some((value) => value !== undefined) || !options.daemon || !options.import;
}

function nobodyToAsk(offer: Offer): HypError {
  return new HypError("usage", "There is no terminal to ask on, and nothing was chosen.", {
    next: `Add --yes, or a preset: ${presetNames(offer).join(", ")}.`,
  });
}

function putConfig({ stdout }: CliContext, target: ConfigTarget, text: string): string {
  const action = configAction(target, text);
  const backup = writeConfig(target, text, new Date());
  const told = {
    new: `wrote ${target.path}`,
    same: `${target.path} stays as it is`,
    replace: `replaced ${target.path}; before: ${backup}`,
  }[action];
  stdout.write(`\n${told}\n`);
  return told;
}

async function initFromFile(
  context: CliContext,
  target: ConfigTarget,
  file: string,
  options: InitOptions,
): Promise<void> {
  const checked = await openApp({ env: context.env, mode: "cli", configFile: file });
  await checked.close();
  const errors = checked.findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    const lines = errors.map(({ kind, pointer, message }) => `\n  [${kind}] ${pointer || "/"}: ${message}`);
    throw new HypError("config_invalid", `${file} cannot be used; nothing was written:${lines.join("")}`);
  }
  const text = readFileSync(checked.loaded.path, "utf8");
  if (options.dryRun === true) {
    const action = configAction(target, text);
    context.stdout.write(`${file} is a config; it would be written to ${target.path} (${action}).\n`);
    return;
  }
  requireReplaceable(target, text, options.force === true);
  putConfig(context, target, text);
}
