import { HypError } from "../../contract/errors.ts";
import { didYouMean } from "../../kernel/suggest.ts";
import type { Offer, Source } from "./offer.ts";

/** What was decided; everything that `hyp init` does follows from it. */
export interface Choices {
  /** Names of sources that are recorded. */
  readonly sources: readonly string[];
  /** Those of them whose own settings are pointed at the gateway. */
  readonly clients: readonly string[];
  readonly daemon: boolean;
  readonly import: boolean;
  /** The config that is there stays, whatever would be written. */
  readonly keepsConfig?: boolean;
  readonly retentionDays?: number;
}

/** Whether it has a record that is read into the history. */
export const isImportable = ({ name, isInstalled, hasRecord }: Source, { sources }: Choices): boolean =>
  isInstalled && hasRecord && sources.includes(name);

export interface InitOptions {
  readonly yes?: boolean;
  readonly daemon: boolean;
  readonly import: boolean;
  readonly dryRun?: boolean;
  readonly client?: readonly string[];
  readonly source?: readonly string[];
  readonly export?: string;
  readonly retentionDays?: number;
  readonly fromFile?: string;
  readonly bin?: string;
  readonly force?: boolean;
}

export const ALL = "all";
export const EXPORTS = ["keep-local", "local-parquet", "configure-later"];

/** Promised names of things that are not built yet. */
const PLANNED_SOURCES: readonly string[] = ["otel"];
const PLANNED_EXPORTS: readonly string[] = ["local-parquet"];

export const presetNames = ({ sources }: Offer): readonly string[] => [ALL, ...clientsOf(sources)];

const clientsOf = (sources: readonly Source[]): readonly string[] =>
  sources.filter(({ isClient }) => isClient).map(({ name }) => name);

export interface Chosen {
  readonly choices: Choices;
  /** A line for each thing that was asked for and is not there yet. */
  readonly planned: readonly string[];
}

/**
 * What a preset and flags choose. Nothing named: the clients that are on this machine, and where none is, all are recorded and
 * none is attached. Throws HypError `usage` for a name that does not exist.
 */
export function chosenBy(offer: Offer, preset: string | undefined, options: InitOptions): Chosen {
  const everyClient = clientsOf(offer.sources);
  const presetClients =
    preset === undefined ? [] : preset === ALL ? everyClient : [known("preset", preset, presetNames(offer))];
  const clients = [
    ...presetClients,
    ...(options.client ?? []).map((name) => known("client", name, everyClient)),
  ];
  const names = offer.sources.map(({ name }) => name);
  const asked = (options.source ?? []).map((name) => known("source", name, [...names, ...PLANNED_SOURCES]));
  const planned = [
    ...asked.filter((name) => PLANNED_SOURCES.includes(name)).map((name) => `the source "${name}"`),
    ...(options.export !== undefined && PLANNED_EXPORTS.includes(options.export)
      ? [`the export "${options.export}"`]
      : []),
  ].map((what) => `planned, not in this version: ${what}; it is left out.`);

  const isNamed = clients.length > 0 || asked.length > 0;
  const found = isNamed ? [] : offer.sources.filter(({ isInstalled }) => isInstalled).map(({ name }) => name);
  const sources = [
    ...clients,
    ...found,
    ...(isNamed || found.length > 0 ? [] : everyClient),
    ...asked.filter((name) => !PLANNED_SOURCES.includes(name)),
  ];
  return {
    choices: {
      sources: [...new Set(sources)],
      clients: [...new Set([...clients, ...found])],
      daemon: options.daemon,
      import: options.import,
      ...(options.retentionDays !== undefined && { retentionDays: options.retentionDays }),
    },
    planned,
  };
}

function known(kind: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw new HypError(
    "usage",
    `There is no ${kind} "${name}".${didYouMean(name, names)} There are: ${names.join(", ")}.`,
  );
}
