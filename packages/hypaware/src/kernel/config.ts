import { readFile } from "node:fs/promises";
import type { Finding, FindingKind } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import type { JsonObject } from "../contract/projection.ts";
import { jsonErrorPlace } from "../wire/json-place.ts";
import type { Manifest } from "./manifest.ts";
import { type Observer, QUIET } from "./telemetry.ts";

/** Config version 2. */
export interface Config {
  readonly version: 2;
  /** Absent: every plugin that ships runs, without config. */
  readonly plugins?: readonly PluginEntry[];
  readonly sinks?: Readonly<Record<string, SinkEntry>>;
  readonly query?: {
    readonly cache?: {
      readonly dir?: string;
      readonly retention?: {
        readonly default_days: number;
        readonly datasets?: Readonly<Record<string, number>>;
      };
    };
  };
  /** Capability → the plugin whose it shall be, where several provide it. */
  readonly disambiguate?: Readonly<Record<string, string>>;
}

export interface PluginEntry {
  readonly name: string;
  /** Absent = true. */
  readonly enabled?: boolean;
  readonly config?: JsonObject;
}

/** Either `writer` and `destination`, or `plugin`. */
export interface SinkEntry {
  readonly writer?: string;
  readonly destination?: string;
  readonly plugin?: string;
  readonly config?: JsonObject;
}

export interface LoadedConfig {
  /** The default when the file is missing or wrong; look at `findings` before using it. */
  readonly config: Config;
  readonly path: string;
  readonly exists: boolean;
  readonly findings: readonly Finding[];
}

export const DEFAULT_CONFIG: Config = { version: 2 };

/** Names of the plugins that the config wants, and of those that ship to accompany them; of all that ship when it lists none. */
export function enabledPlugins(
  { plugins }: Config,
  bundled: readonly Pick<Manifest, "name" | "accompanies">[],
): readonly string[] {
  if (plugins === undefined) return bundled.map(({ name }) => name);
  const wanted = plugins.filter(({ enabled }) => enabled !== false).map(({ name }) => name);
  const company = bundled.filter(
    ({ name, accompanies = [] }) =>
      plugins.every((entry) => entry.name !== name) && accompanies.some((other) => wanted.includes(other)),
  );
  return [...wanted, ...company.map(({ name }) => name)];
}

/** `explicit`: a person named this file, so it must exist. Never rejects: what is wrong stands in `findings`. */
export function loadConfig(
  paths: Pick<HomePaths, "config">,
  { explicit = false, observer = QUIET }: { explicit?: boolean; observer?: Observer } = {},
): Promise<LoadedConfig> {
  return observer.telemetry.span("config.load", { config_path: paths.config }, async (span) => {
    const loaded = await read(paths.config, explicit);
    for (const { kind, pointer, message } of loaded.findings) {
      span.set({ status: "failed", error_kind: kind });
      const event = kind === "config_invalid_shape" ? "config.shape_error" : "config.load_failed";
      observer.log.error(event, { error_kind: kind, pointer, message });
    }
    return loaded;
  });
}

async function read(path: string, explicit: boolean): Promise<LoadedConfig> {
  const failed = (exists: boolean, kind: FindingKind, message: string): LoadedConfig => ({
    config: DEFAULT_CONFIG,
    path,
    exists,
    findings: [{ severity: "error", kind, pointer: "", message }],
  });

  let text: string;
  try {
    // An editor on Windows leaves a byte order mark.
    text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") return failed(true, "config_unreadable", message);
    if (explicit) return failed(false, "config_missing", `config not found at ${path}`);
    return { config: DEFAULT_CONFIG, path, exists: false, findings: [] };
  }

  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { line, column, expected } = jsonErrorPlace(text);
    return failed(
      true,
      "config_invalid_json",
      `${path}:${line}:${column}: not JSON here; expected ${expected}`,
    );
  }

  const { configProblems } = await import("./config-schema.ts");
  const findings = configProblems(value).map((problem) => ({
    ...problem,
    kind: "config_invalid_shape" as const,
  }));
  return { config: findings.length === 0 ? (value as Config) : DEFAULT_CONFIG, path, exists: true, findings };
}
