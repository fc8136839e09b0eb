// Real plugin folders for tests: a manifest and an entry point that is imported.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kernel-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function manifestOf(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    schema_version: 1,
    name,
    version: "1.0.0",
    hypaware_api: "^1.0.0",
    runtime: "node",
    entrypoint: "./index.mjs",
    ...more,
  };
}

/** Returns the folder. `code`: the text of index.mjs. */
export function pluginFolder(
  name: string,
  more: Record<string, unknown> = {},
  code = "export function activate() {}",
): string {
  const folder = join(temporaryFolder(), "plugin");
  mkdirSync(folder);
  writeFileSync(join(folder, "hypaware.plugin.json"), JSON.stringify(manifestOf(name, more)));
  writeFileSync(join(folder, "index.mjs"), code);
  return folder;
}
