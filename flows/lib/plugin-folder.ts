import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FlowContext } from "./flow.ts";

/** A plugin's folder: a manifest, `code` as its entry point, and `files` beside it. Returns the path. */
export function writePlugin(
  ctx: Pick<FlowContext, "folder">,
  name: string,
  manifest: object = {},
  folder = name.replace(/^@[^/]*\//, ""),
  code = "export function activate() {}",
  files: Readonly<Record<string, string>> = {},
): string {
  const path = join(ctx.folder, "plugins", folder);
  mkdirSync(path, { recursive: true });
  const all = {
    schema_version: 1,
    name,
    version: "1.0.0",
    hypaware_api: "^1.0.0",
    runtime: "node",
    entrypoint: "index.mjs",
    ...manifest,
  };
  writeFileSync(join(path, "hypaware.plugin.json"), JSON.stringify(all, null, 2));
  writeFileSync(join(path, "index.mjs"), code);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}
