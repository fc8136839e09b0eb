import { join } from "node:path";
import { commitManifest } from "../store/commit.ts";
import type { Manifest } from "../store/manifest.ts";
import { mergeStore } from "../store/merge.ts";
import { sealStore } from "../store/seal.ts";
import { verifyStore } from "../store/verify.ts";
import type { StoreVerification } from "../store/verify.ts";
import { queryHome } from "./query-home.testkit.ts";
import type { QueryHome } from "./query-home.testkit.ts";

export interface SealedHome extends QueryHome {
  readonly segmentsDir: string;
  /** Writes the files and commits nothing. Default: everything is settled. */
  writeSegments(settledBefore?: number): Promise<Manifest[]>;
  writeMerged(all?: boolean): Promise<Manifest[]>;
  commit(manifests: readonly Manifest[]): void;
  seal(settledBefore?: number): Promise<void>;
  merge(): Promise<void>;
  verify(): Promise<StoreVerification>;
}

/** A store whose segments are written in this process: what the child does, without its start. */
export function sealedHome(): SealedHome {
  const home = queryHome();
  const segmentsDir = join(home.folder, "segments");
  const common = {
    catalogPath: home.catalogPath,
    segmentsDir,
    tmpDir: join(home.folder, "tmp"),
    memoryMB: 256,
  };
  const self: SealedHome = {
    ...home,
    segmentsDir,
    async writeSegments(settledBefore = Number.MAX_SAFE_INTEGER) {
      const manifests: Manifest[] = [];
      await sealStore({ ...common, settledBefore, minRows: 1 }, (each) => manifests.push(each));
      return manifests;
    },
    async writeMerged(all = true) {
      const manifests: Manifest[] = [];
      await mergeStore({ ...common, all }, (each) => manifests.push(each));
      return manifests;
    },
    commit(manifests) {
      for (const manifest of manifests) commitManifest(home.catalog, manifest);
    },
    seal: async (settledBefore) => self.commit(await self.writeSegments(settledBefore)),
    merge: async () => self.commit(await self.writeMerged()),
    verify: () => verifyStore(common),
  };
  return self;
}
