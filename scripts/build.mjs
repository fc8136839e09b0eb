// Compiles packages/hypaware to dist/, copies the plugin manifests beside the code they describe and the template of new plugins,
// and writes down the tree of commands, so that completing one in a shell need not load the command line.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
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

const built = (file) => import(pathToFileURL(join(dist, "cli", file)).href);
const [{ buildProgram }, { commandTree }, { TREE_FILE }] = await Promise.all(
  ["program.js", "completion/command-tree.js", "completion/print-completions.js"].map(built),
);
const { env, stdout, stderr } = process;
const tree = commandTree(buildProgram({ env, stdout, stderr, exitCode: 0 }));
writeFileSync(TREE_FILE, JSON.stringify(tree));
markBuilt(root);
