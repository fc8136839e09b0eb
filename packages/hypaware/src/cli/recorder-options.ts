import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../app.ts";
import type { SupervisorOptions } from "../daemon/supervisor.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";

/** How a gateway of this process starts its recorder: this program again, with the hidden command `recorder`. */
export function recorderOptions(
  env: NodeJS.ProcessEnv,
  app: App,
  configFile: string | undefined,
): SupervisorOptions {
  ensurePrivateFolder(app.paths.logs);
  const main = fileURLToPath(new URL("main.js", import.meta.url));
  return {
    command: [main, "recorder", ...(configFile === undefined ? [] : ["--config", configFile])],
    env: { ...env, HYP_HOME: app.paths.home },
    logFile: join(app.paths.logs, "recorder.stderr.log"),
    log: app.log,
  };
}
