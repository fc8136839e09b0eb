import { readFile, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { HypError } from "../contract/errors.ts";
import type { PluginModule } from "../contract/plugin.ts";
import { type Observer, QUIET } from "./telemetry.ts";

/** The version of the plugin interface that this build offers. */
export const HYPAWARE_API = "1.0.0";
export const MANIFEST_FILE = "hypaware.plugin.json";

/** `hypaware.plugin.json`. */
export interface Manifest {
  readonly schema_version: 1;
  readonly name: string;
  readonly version: string;
  /** Range of the plugin interface's versions. */
  readonly hypaware_api: string;
  readonly runtime: "node";
  /** Relative to the plugin's folder, and inside it. */
  readonly entrypoint: string;
  readonly description?: string;
  readonly node_engine?: string;
  /** Name → range. */
  readonly requires?: {
    readonly plugins?: Readonly<Record<string, string>>;
    readonly capabilities?: Readonly<Record<string, string>>;
  };
  /**
   * Of a plugin that ships: it runs with each of these, too, in a config that does not name it. What it does was theirs before, and no
   * config that was written then may lose it.
   */
  readonly accompanies?: readonly string[];
  /** Name → version. */
  readonly provides?: { readonly capabilities?: Readonly<Record<string, string>> };
  readonly permissions?: readonly string[];
  readonly contributes?: Readonly<Record<string, unknown>>;
}

/** A plugin that could be activated. */
export interface PluginSource {
  readonly manifest: Manifest;
  readonly rootDir: string;
  load(): Promise<PluginModule>;
}

/** A parsed manifest, or a HypError `manifest_invalid` that lists everything wrong. `where`: for the message. */
export async function parseManifest(value: unknown, where: string): Promise<Manifest> {
  const { manifestProblems } = await import("./manifest-schema.ts");
  const found = manifestProblems(value, HYPAWARE_API);
  if (found.length === 0) return value as Manifest;
  const lines = found.map(({ pointer, message }) => `\n  ${pointer || "/"}: ${message}`);
  throw new HypError("manifest_invalid", `${where} is invalid:${lines.join("")}`);
}

/** Reads a plugin's folder. Rejects with a HypError `manifest_invalid`; runs no code of the plugin before `load`. */
export function pluginFromFolder(folder: string, observer: Observer = QUIET): Promise<PluginSource> {
  const path = join(folder, MANIFEST_FILE);
  const fields = { hyp_manifest_path: path };
  return observer.telemetry.span("manifest.load", fields, () =>
    read(folder, path).catch((error: unknown) => {
      observer.log.error("manifest.reject", {
        ...fields,
        error_kind: "manifest_invalid",
        message: String(error),
      });
      throw error;
    }),
  );
}

const bad = (message: string, cause?: unknown): HypError =>
  new HypError("manifest_invalid", message, { cause });

async function read(folder: string, path: string): Promise<PluginSource> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw bad(`${path} cannot be read: ${error.message}`, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(`${path} is not JSON: ${(error as Error).message}`, error);
  }
  const manifest = await parseManifest(value, path);
  const entry = await realpath(join(folder, manifest.entrypoint)).catch((error: Error) => {
    throw bad(`${path}: entrypoint "${manifest.entrypoint}" does not exist`, error);
  });
  // The text was checked already; a symbolic link can still lead out.
  const root = await realpath(folder);
  if (!entry.startsWith(root + sep)) throw bad(`${path}: entrypoint leads out of the plugin's folder`);
  return {
    manifest,
    rootDir: root,
    load: async () => (await import(pathToFileURL(entry).href)) as PluginModule,
  };
}
