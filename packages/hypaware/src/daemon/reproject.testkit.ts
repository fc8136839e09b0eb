import { homePaths } from "../contract/home.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { withScratchFolder } from "../query/scratch.ts";
import type { ScopeFilter } from "../store/shadow-scope.ts";
import { type Compared, Reprojection } from "./reprojection.ts";

/** What `hyp reproject` does, with these projectors. */
export function withReprojection<T>(
  home: string,
  projectors: readonly RegisteredProjector[],
  filter: ScopeFilter,
  use: (reprojection: Reprojection) => Promise<T>,
): Promise<T> {
  const paths = homePaths(home);
  return withScratchFolder(paths.tmp, async (folder) => {
    const work = { projectors, log: createLogger([]), telemetry: NO_TELEMETRY };
    const reprojection = new Reprojection({ paths, work, folder, filter, samples: 20 });
    try {
      return await use(reprojection);
    } finally {
      reprojection.close();
    }
  });
}

export const compare = (
  home: string,
  projectors: readonly RegisteredProjector[],
  filter: ScopeFilter = {},
): Promise<Compared> => withReprojection(home, projectors, filter, (reprojection) => reprojection.compare());

/** Compares and commits. */
export const reproject = (
  home: string,
  projectors: readonly RegisteredProjector[],
  filter: ScopeFilter = {},
): Promise<Compared> =>
  withReprojection(home, projectors, filter, async (reprojection) => {
    const compared = await reprojection.compare();
    const result = await reprojection.commit();
    if (result !== "committed") throw new Error(result);
    return compared;
  });
