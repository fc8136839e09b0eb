// Route keys are derived from one secret of the home, so that a key handed to a client stays valid over restarts of the
// gateway and there is no list of keys to keep: key = <client>-<HMAC(secret, client)>.

import { createHmac, randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HomePaths } from "../contract/home.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";

const SECRET_BYTES = 32;
const KEY_HEX = 32;

/** The key of each client, for this home. */
export function routeKeysOf(paths: HomePaths, clientNames: readonly string[]): readonly string[] {
  const secret = routeSecret(paths);
  return clientNames.map((name) => routeKeyOf(secret, name));
}

export function routeKeyOf(secret: Buffer, clientName: string): string {
  return `${clientName}-${createHmac("sha256", secret).update(clientName).digest("hex").slice(0, KEY_HEX)}`;
}

/** Reads the home's secret, and makes it first where it is missing. Processes that start together get the same one. */
export function routeSecret(paths: HomePaths): Buffer {
  ensurePrivateFolder(paths.state);
  const path = join(paths.state, "route-secret");
  if (!existsSync(path)) {
    const candidate = `${path}.${process.pid}.tmp`;
    writeFileSync(candidate, randomBytes(SECRET_BYTES), { mode: 0o600 });
    try {
      // A link, unlike a rename, fails when another process was first.
      linkSync(candidate, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(candidate, { force: true });
    }
  }
  return readFileSync(path);
}
