import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { HypError } from "../contract/errors.ts";
import { type Manifest, pluginFromFolder } from "../kernel/manifest.ts";
import type { Observer } from "../kernel/telemetry.ts";
import type { Fetched } from "./fetched.ts";
import { contentHash } from "./plugin-files.ts";
import type { LockEntry } from "./plugin-lock.ts";
import type { Source } from "./source.ts";

/** What a person agrees to. */
export interface Candidate {
  readonly manifest: Manifest;
  readonly source: Source["locked"];
  readonly resolvedRef: string | undefined;
  readonly contentHash: string;
  readonly files: number;
  readonly warnings: readonly string[];
  /** It comes from elsewhere: a person has to agree. */
  readonly needsConsent: boolean;
  /** What is installed under this name now. */
  readonly before: LockEntry | undefined;
}

/** The manifest of a copy. Throws HypError `manifest_invalid`, which names the source: the copy is gone when a person reads it. */
export async function checkedManifest(
  staged: string,
  { locked: { raw, path } }: Source,
  observer: Observer,
): Promise<Manifest> {
  try {
    return (await pluginFromFolder(staged, observer)).manifest;
  } catch (error) {
    const message = (error as Error).message.replaceAll(staged, path ?? raw);
    throw new HypError("manifest_invalid", message, { cause: error });
  }
}

interface Copied {
  readonly manifest: Manifest;
  readonly source: Source;
  readonly fetched: Fetched;
  readonly staged: string;
  readonly files: readonly string[];
  readonly before: LockEntry | undefined;
}

export async function candidateOf(copied: Copied): Promise<Candidate> {
  const { manifest, source, fetched, staged, files, before } = copied;
  return {
    manifest,
    source: source.locked,
    resolvedRef: fetched.resolvedRef,
    contentHash: await contentHash(staged, files),
    files: files.length,
    warnings: await warningsOf(copied),
    needsConsent: source.locked.kind !== "local-dir",
    before,
  };
}

async function warningsOf({
  manifest,
  source,
  fetched,
  staged,
  files,
  before,
}: Copied): Promise<readonly string[]> {
  const { gitUrl = "", ref } = source.locked;
  const warnings: string[] = [];
  if (before !== undefined && !isDeepStrictEqual(before.source, source.locked))
    warnings.push(
      `It takes the place of ${before.name} ${before.version}, which came from ${before.source.raw}.`,
    );
  if (manifest.permissions?.includes("network") === true)
    warnings.push("It says that it uses the network by itself.");
  if (fetched.isUnpinned)
    warnings.push(
      `${ref === undefined ? "No ref is given" : `"${ref}" is a branch`}: an update brings whatever is there by then. Pin it with --ref <tag or commit>.`,
    );
  if (/^(?:http|git):/.test(gitUrl))
    warnings.push("The URL is not encrypted: whoever is on the way can change what comes.");
  const packageJson = files.includes("package.json")
    ? await readFile(join(staged, "package.json"), "utf8")
    : "{}";
  const needed = dependenciesOf(packageJson);
  if (needed.length > 0)
    warnings.push(
      `package.json names dependencies (${needed.slice(0, 5).join(", ")}), and none is installed: a plugin has to bring what it needs in its own files.`,
    );
  return warnings;
}

function dependenciesOf(packageJson: string): readonly string[] {
  try {
    const { dependencies } = JSON.parse(packageJson) as { dependencies?: object };
    return Object.keys(dependencies ?? {});
  } catch {
    return [];
  }
}
