import { lstatSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type App, openApp } from "../app.ts";
import { type Finding, HypError } from "../contract/errors.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { type ConfigChange, editConfig } from "../kernel/edit-config.ts";

const PRIVATE = 0o600;

/**
 * Writes a change into the config of this home, unless the result would be wrong in a way that the config is not yet. Nothing is
 * written then: HypError `config_invalid` lists what would be wrong. False: the config says that already.
 */
export async function changeConfig(app: App, env: NodeJS.ProcessEnv, change: ConfigChange): Promise<boolean> {
  const { path, exists, findings } = app.loaded;
  const unusable = findings.find(({ severity }) => severity === "error");
  if (unusable !== undefined) throw new HypError("config_invalid_shape", `${path}: ${unusable.message}`);
  const before = exists ? readFileSync(path, "utf8") : undefined;
  const after = editConfig(before, change, app.shipped);
  if (after === before) return false;
  const wrong = await newProblems(app, env, after);
  if (wrong.length > 0) {
    const lines = wrong.map(({ kind, pointer, message }) => `\n  [${kind}] ${pointer || "/"}: ${message}`);
    throw new HypError("config_invalid", `Nothing was changed; ${path} would be wrong:${lines.join("")}`);
  }
  write(path, after);
  return true;
}

/** What is wrong with the text as config and is not wrong with the one that is there. */
async function newProblems(app: App, env: NodeJS.ProcessEnv, text: string): Promise<readonly Finding[]> {
  ensurePrivateFolder(dirname(app.loaded.path));
  const draft = `${app.loaded.path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: PRIVATE, flag: "wx" });
  try {
    const checked = await openApp({ env, mode: "cli", configFile: draft });
    await checked.close();
    const known = new Set(app.findings.map(({ kind, message }) => kind + message));
    return checked.findings.filter(
      ({ severity, kind, message }) => severity === "error" && !known.has(kind + message),
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Behind a link, with the mode that the file has. */
function write(path: string, text: string): void {
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const file = isThere ? realpathSync(path) : path;
  writeFileAtomic(file, text, isThere ? statSync(file).mode & 0o777 : PRIVATE);
}
