import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { type HomePaths, homePaths } from "../contract/home.ts";

export interface Home {
  readonly paths: HomePaths;
  /** A person named another config file than the one in the home, so that its absence is an error and not the default. */
  readonly explicitConfig: boolean;
}

/** HYP_HOME (default `~/.hyp`) and the config file: `--config`, else HYP_CONFIG, else the one in the home. */
export function resolveHome(env: Readonly<Record<string, string | undefined>>, configFlag?: string): Home {
  const userHome = env["HOME"] || homedir();
  // A service file or a quoted variable hands `~` over as it is written.
  const absolute = (path: string): string => resolve(path.replace(/^~(?=$|\/)/, () => userHome));
  const home = env["HYP_HOME"] ? absolute(env["HYP_HOME"]) : join(resolve(userHome), ".hyp");
  const config = configFlag || env["HYP_CONFIG"];
  const own = homePaths(home);
  if (!config) return { paths: own, explicitConfig: false };
  const named = absolute(config);
  return { paths: homePaths(home, named), explicitConfig: named !== own.config };
}
