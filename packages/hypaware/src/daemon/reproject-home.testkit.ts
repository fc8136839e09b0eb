import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HomePaths, homePaths } from "../contract/home.ts";
import type { Projection } from "../contract/projection.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { runQuery } from "../query/run.ts";
import { withScratchFolder } from "../query/scratch.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { commitManifest } from "../store/commit.ts";
import { sealStore } from "../store/seal.ts";
import type { ScopeFilter } from "../store/shadow/scope.ts";
import { verifyStore } from "../store/verify.ts";
import { chat, transcripts } from "./journal-exchange.testkit.ts";
import { Recorder } from "./recorder.ts";
import { type Compared, Reprojection } from "./reprojection.ts";

const work = {
  contextSources: [],
  clientRecords: [],
  gatewayId: "g",
  log: createLogger([]),
  telemetry: NO_TELEMETRY,
};

/** A home with real journals and a real store, and what `hyp reproject` does to it. */
export class ReprojectHome {
  readonly paths: HomePaths;
  readonly catalog: Catalog;
  readonly #journals: Journal[] = [];

  constructor() {
    this.paths = homePaths(mkdtempSync(join(tmpdir(), "reproject-")));
    for (const folder of [this.paths.journal, this.paths.store]) mkdirSync(folder, { recursive: true });
    this.catalog = openCatalog(this.paths.catalog);
  }

  async close(): Promise<void> {
    for (const journal of this.#journals) await journal.close();
    this.catalog.close();
    rmSync(this.paths.home, { recursive: true, force: true });
  }

  async open(runId: string): Promise<Journal> {
    const journal = await openJournal({ dir: join(this.paths.journal, runId), runId });
    this.#journals.push(journal);
    return journal;
  }

  /** A run that ended with these exchanges. */
  async run(runId: string, fill: (journal: Journal) => void): Promise<void> {
    const journal = await openJournal({ dir: join(this.paths.journal, runId), runId });
    fill(journal);
    await journal.close();
  }

  /** The run's raw history is gone. */
  forget(runId: string): void {
    rmSync(join(this.paths.journal, runId), { recursive: true });
  }

  recorder(projectors: readonly RegisteredProjector[] = [chat]): Recorder {
    const { paths, catalog } = this;
    return new Recorder({ ...work, clientRecords: [transcripts(paths.home)], paths, catalog, projectors });
  }

  /** A thorough pass. */
  record(projectors?: readonly RegisteredProjector[]): Promise<number> {
    return this.recorder(projectors).pass(true);
  }

  /** All rows that there are. */
  async seal(): Promise<void> {
    const options = { ...this.#engine(), settledBefore: Number.MAX_SAFE_INTEGER, minRows: 1 };
    await sealStore(options, (manifest) => void commitManifest(this.catalog, manifest));
  }

  async rows(sql: string): Promise<readonly (readonly unknown[])[]> {
    const { catalog: catalogPath, tmp: tmpDir } = this.paths;
    return (await runQuery({ catalogPath, tmpDir, sql, timeZone: "UTC" })).rows;
  }

  async problems(): Promise<readonly unknown[]> {
    return (await verifyStore(this.#engine())).problems;
  }

  reprojection<T>(
    projectors: readonly RegisteredProjector[],
    filter: ScopeFilter,
    use: (reprojection: Reprojection) => Promise<T>,
  ): Promise<T> {
    const { paths } = this;
    return withScratchFolder(paths.tmp, async (folder) => {
      const options = { paths, work: { ...work, projectors }, folder, filter, samples: 20 };
      const reprojection = new Reprojection(options);
      try {
        return await use(reprojection);
      } finally {
        reprojection.close();
      }
    });
  }

  compare(projectors: readonly RegisteredProjector[], filter: ScopeFilter = {}): Promise<Compared> {
    return this.reprojection(projectors, filter, (reprojection) => reprojection.compare());
  }

  /** Compares and commits. */
  reproject(projectors: readonly RegisteredProjector[], filter: ScopeFilter = {}): Promise<Compared> {
    return this.reprojection(projectors, filter, async (reprojection) => {
      const compared = await reprojection.compare();
      const result = await reprojection.commit();
      if (result !== "committed") throw new Error(result);
      return compared;
    });
  }

  #engine() {
    const { catalog: catalogPath, segments: segmentsDir, tmp: tmpDir } = this.paths;
    return { catalogPath, segmentsDir, tmpDir, memoryMB: 256 };
  }
}

/** The chat projector, with another view of its result. */
export const changedChat = (
  change: (projection: Projection) => Projection,
  name = chat.name,
): RegisteredProjector => ({
  ...chat,
  name,
  project: (record, context) => change(chat.project(record, context) as Projection),
});

/** Says more of every message that says "b". */
export const v2 = changedChat((projection) => ({
  ...projection,
  messages: projection.messages.map((message) =>
    message.content === "b" ? { ...message, prompt_id: "p" } : message,
  ),
}));
