import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Argument, Command, Option } from "commander";
import { BUNDLED_ADAPTERS } from "../../adapters/bundled.ts";
import { MANIFEST_FILE, type Manifest } from "../../kernel/manifest.ts";
import { describeDatasets } from "../../query/describe.ts";
import { HELP_TOPICS } from "../help/topics.ts";
import { ALL } from "../init/choices.ts";

/** One command as completion needs it. The build writes the whole tree down, because completing must load nothing else. */
export interface CommandNode {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  /** One list for each place; the last one's goes for all that follow when `isVariadic`. */
  readonly arguments: readonly Values[];
  readonly isVariadic: boolean;
  readonly commands: readonly CommandNode[];
}

export interface OptionNode {
  readonly flags: readonly string[];
  readonly description: string;
  /** Absent: it takes no value. */
  readonly value?: Values;
}

/** Words that can stand at a place; `rest`: whatever follows belongs to another program. */
export type Values = readonly string[] | "files" | "rest";

export function commandTree(command: Command): CommandNode {
  const help = command.createHelp();
  const places = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(optionNode),
    arguments: places.map(valuesOf),
    isVariadic: places.at(-1)?.variadic === true,
    commands: help
      .visibleCommands(command)
      .flatMap((child) =>
        [child.name(), ...child.aliases()].map((name) => ({ ...commandTree(child), name })),
      ),
  };
}

function optionNode(option: Option): OptionNode {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const { description } = option;
  if (!option.required && !option.optional) return { flags, description };
  const name = /[<[]([\w-]+)/.exec(option.flags)?.[1] ?? "";
  const { argChoices } = option;
  // `--client <name>` says as much as `--client <client>`.
  return { flags, description, value: argChoices ?? VALUES[name]?.() ?? VALUES[option.name()]?.() ?? [] };
}

/** What its author listed, else what the name of the place says. */
const valuesOf = (place: Argument): Values => place.argChoices ?? VALUES[place.name()]?.() ?? [];

const VALUES: Readonly<Record<string, () => Values>> = {
  client: () => shipped().flatMap(({ clients }) => clients),
  plugin: () => shipped().map(({ name }) => name),
  preset: () => [ALL, ...shipped().flatMap(({ clients }) => clients)],
  source: () => shipped().flatMap(({ clients, projectors }) => (clients.length > 0 ? clients : projectors)),
  table: () => describeDatasets().map(({ name }) => name),
  words: () => HELP_TOPICS.map(({ name }) => name),
  file: () => "files",
  folder: () => "files",
  path: () => "files",
  args: () => "rest",
};

interface Shipped {
  readonly name: string;
  readonly clients: readonly string[];
  readonly projectors: readonly string[];
}

/** What the plugins that ship declare in their manifests. */
function shipped(): readonly Shipped[] {
  return BUNDLED_ADAPTERS.map((adapter) => {
    const file = join(import.meta.dirname, "..", "..", "adapters", adapter, MANIFEST_FILE);
    const { name, contributes = {} } = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    const list = (kind: string): readonly string[] => (contributes[kind] ?? []) as readonly string[];
    return { name, clients: list("clients"), projectors: list("projectors") };
  });
}
