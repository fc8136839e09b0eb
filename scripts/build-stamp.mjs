// Whether packages/hypaware/dist is newer than every source it is made from.
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const stampOf = (root) => join(root, "packages", "hypaware", "dist", ".built");

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

export function isBuilt(root) {
  const stamp = stampOf(root);
  if (!existsSync(stamp)) return false;
  const sources = ["packages/hypaware/src", "packages/hypaware/tsconfig.json", "tsconfig.base.json"];
  return sources.every((path) => newest(join(root, path)) <= statSync(stamp).mtimeMs);
}

export function markBuilt(root) {
  writeFileSync(stampOf(root), "");
}
