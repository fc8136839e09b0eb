// Makes a checkout ready: dependencies installed as locked, packages built. Does only what is missing, so that
// `npm start` and `npm test` are fast the second time and never pull files from under a running process.
// Plain JavaScript for old Node: it runs before the newer Node that the workspace brings is there.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isBuilt } from "./build-stamp.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
const run = (command, args) => execFileSync(command, args, { cwd: root, stdio: "inherit" });

const installed = modified(join(root, "node_modules", ".package-lock.json"));
if (installed < modified(join(root, "package-lock.json"))) {
  console.log("Installing dependencies …");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}
if (!isBuilt(root)) {
  console.log("Building …");
  run("npm", ["run", "--silent", "build"]);
}
