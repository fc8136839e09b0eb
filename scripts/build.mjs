// Compiles packages/hypaware to dist/ and copies the plugin manifests beside the code they describe, and the template of new plugins.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { markBuilt } from "./build-stamp.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "packages", "hypaware", "src");
const dist = join(root, "packages", "hypaware", "dist");

rmSync(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules", ".bin", "tsc");
execFileSync(tsc, ["-p", join(root, "packages", "hypaware")], { cwd: root, stdio: "inherit" });

for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (entry.name !== "hypaware.plugin.json") continue;
  const from = join(entry.parentPath, entry.name);
  const to = join(dist, relative(source, from));
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
cpSync(join(source, "plugins", "template"), join(dist, "plugins", "template"), { recursive: true });
markBuilt(root);
