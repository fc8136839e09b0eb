import type { Command } from "commander";
import { GATEWAY_PLUGIN } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import type { Json } from "../contract/projection.ts";
import { readGatewayFile } from "../daemon/run-files.ts";
import type { ConfigChange } from "../kernel/edit-config.ts";
import { type CliContext, withApp } from "./context.ts";

export function registerConfig(program: Command, context: CliContext): void {
  const config = program
    .command("config")
    .description("the config file")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp config validate\n  hyp config set @hypaware/ai-gateway listen 127.0.0.1:18522\n",
    );
  config
    .command("validate")
    .description("check the config file; prints every problem with its place")
    .option("--path <file>", "another file than <HYP_HOME>/hypaware-config.json")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp config validate\n  hyp config validate --path ./hypaware.json\n",
    )
    .action((options: { path?: string }) =>
      withApp(context, "config validate", { configFile: options.path }, async (app) => {
        const errors = app.findings.filter((finding) => finding.severity === "error");
        const { config: values, path, exists } = app.loaded;
        for (const { severity, kind, pointer, message } of app.findings) {
          const stream = severity === "error" ? context.stderr : context.stdout;
          stream.write(`${severity === "error" ? "" : "note "}  [${kind}] ${pointer || "/"}: ${message}\n`);
        }
        for (const { plugin, errorKind, detail } of [...app.kernel.unsatisfied, ...app.kernel.failed])
          context.stdout.write(`note   [${errorKind}] ${plugin}: ${detail}\n`);
        if (errors.length > 0) {
          context.stderr.write(`config invalid: ${path} (${errors.length} problems)\n`);
          context.exitCode = 1;
        } else if (exists) {
          const sinks = Object.keys(values.sinks ?? {}).length;
          context.stdout.write(
            `config ok: ${path} (plugins=${values.plugins?.length ?? 0}, sinks=${sinks})\n`,
          );
        } else
          context.stdout.write(
            `no config file at ${path}: the default is used (all adapters, ${GATEWAY_PLUGIN} on its own address)\n`,
          );
      }),
    );
  registerChanges(config, context);
}

const CHANGES = {
  enable: "let a plugin run",
  disable: "let a plugin rest; its config stays",
  remove: "take a plugin's entry with its config out of the file",
} as const;

function registerChanges(config: Command, context: CliContext): void {
  for (const [kind, description] of Object.entries(CHANGES) as [keyof typeof CHANGES, string][])
    config
      .command(kind)
      .argument("<plugin>", "its name, as hyp config validate or hyp plugin list shows it")
      .description(description)
      .addHelpText("after", `\nExamples:\n  hyp config ${kind} @hypaware/raw\n`)
      .action((plugin: string) => change(context, `config ${kind}`, { kind, plugin }));
  config
    .command("set")
    .argument("<plugin>", "whose config")
    .argument("<key>", "a.b for a key inside another")
    .argument("[value]", "JSON, or plain text; none: back to the default")
    .description("set one key of a plugin's config; the rest of the file stays as it is")
    .addHelpText(
      "after",
      `
Nothing is written when the config would be wrong afterwards.

Examples:
  hyp config set @hypaware/ai-gateway listen 127.0.0.1:18522
  hyp config set @hypaware/ai-gateway upstreams '[{"name": "mine", "base_url": "https://llm.example", "path_prefix": "/mine"}]'
  hyp config set @hypaware/ai-gateway listen
`,
    )
    .action((plugin: string, key: string, value: string | undefined) =>
      change(context, "config set", {
        kind: "set",
        plugin,
        key: keysOf(key),
        value: value === undefined ? undefined : jsonOrText(value),
      }),
    );
}

function keysOf(key: string): readonly string[] {
  const keys = key.split(".");
  if (keys.some((each) => each === "")) throw new HypError("usage", `"${key}" is no key.`);
  return keys;
}

function jsonOrText(value: string): Json {
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

function change(context: CliContext, command: string, wanted: ConfigChange): Promise<void> {
  return withApp(context, command, {}, async (app) => {
    const { changeConfig } = await import("./change-config.ts");
    const isChanged = await changeConfig(app, context.env, wanted);
    const { path } = app.loaded;
    context.stdout.write(isChanged ? `changed ${path}\n` : `${path} says that already\n`);
    if (isChanged && readGatewayFile(app.paths) !== undefined)
      context.stdout.write("The running daemon takes it with: hyp daemon reload\n");
  });
}
