import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FrameSink } from "../contract/frame.ts";
import { type HomePaths, homePaths } from "../contract/home.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import type { Cell } from "../query/cell.ts";
import { runQuery } from "../query/run.ts";
import { stopReasons } from "../protocols/stop-reasons.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { unequalTexts } from "../verify/sent-texts.ts";
import type { Ask } from "../verify/stored.ts";
import { verifyUnrecorded } from "../verify/unrecorded.ts";
import { verifyRecord } from "../verify/verify.ts";
import type { Recording } from "./record-exchange.ts";
import { Recorder } from "./recorder.ts";

type Work = Pick<Recording, "projectors" | "clientRecords" | "contextSources">;

/** A home with everything from the journal on: a gateway's journal, a recorder, a store, and queries over it. */
export class RecordedHome {
  /** Where clients would have their own files. */
  readonly folder: string;
  readonly #paths: HomePaths;
  readonly #work: Work;
  #runs = 0;
  #journal: Journal | undefined;
  #catalog: Catalog;
  #recorder: Recorder;

  private constructor(folder: string, work: Work) {
    this.folder = folder;
    this.#paths = homePaths(join(folder, "hyp"));
    this.#work = work;
    for (const folder of [this.#paths.journal, this.#paths.store]) mkdirSync(folder, { recursive: true });
    this.#catalog = openCatalog(this.#paths.catalog);
    this.#recorder = this.#newRecorder();
  }

  /** `work`: what plugins bring, for a person with this home folder. */
  static async open(work: (folder: string) => Promise<Work>): Promise<RecordedHome> {
    const folder = mkdtempSync(join(tmpdir(), "hyp-recorded-"));
    return new RecordedHome(folder, await work(folder));
  }

  /** Where a gateway's tap puts its frames. */
  async journal(): Promise<FrameSink> {
    if (this.#journal === undefined) {
      const runId = `run-${String(++this.#runs).padStart(4, "0")}`;
      this.#journal = await openJournal({ dir: join(this.#paths.journal, runId), runId });
    }
    return this.#journal;
  }

  /** Stores what ended and what clients wrote down until now. */
  async record(): Promise<number> {
    await this.#journal?.flush();
    return this.#recorder.pass(true);
  }

  /** Another gateway from here on; what was open is interrupted. */
  async restartGateway(): Promise<void> {
    await this.#journal?.close();
    this.#journal = undefined;
  }

  /** Another recorder: it knows what is stored, and nothing else. */
  restartRecorder(): void {
    this.#catalog.close();
    this.#catalog = openCatalog(this.#paths.catalog);
    this.#recorder = this.#newRecorder();
  }

  /** Everything that can be is sealed; what has to change after that is made hot first. */
  async seal(): Promise<void> {
    await this.#recorder.compact();
  }

  async rows(sql: string): Promise<readonly (readonly Cell[])[]> {
    const { catalog: catalogPath, tmp: tmpDir } = this.#paths;
    return (await runQuery({ catalogPath, tmpDir, sql, timeZone: "UTC" })).rows;
  }

  /** What `hyp verify` finds, in words. All projectors are taken for those that ship. */
  async differences(): Promise<readonly string[]> {
    const { catalog: catalogPath, tmp: tmpDir, store: root } = this.#paths;
    const ask: Ask = (sql) => runQuery({ catalogPath, tmpDir, sql, timeZone: "UTC" });
    const catalog = openCatalog(catalogPath, { readOnly: true });
    try {
      const projectors = { ships: () => true, stopReasons };
      const store = { ask, catalog, projectors, texts: await unequalTexts(ask) };
      const records = [];
      for (const record of this.#work.clientRecords) records.push(await verifyRecord({ ...store, record }));
      const recorded = new Set(records.flatMap((each) => [...each.recorded]));
      const unrecorded = await verifyUnrecorded({ ...store, root, recorded });
      return [...records, unrecorded].flatMap(({ sessions }) =>
        sessions.flatMap(({ session_id: session, differences }) =>
          differences.map((each) => `${session}: [${each.class}] ${each.subject} ${each.id} ${each.message}`),
        ),
      );
    } finally {
      catalog.close();
    }
  }

  async close(): Promise<void> {
    await this.#journal?.close();
    this.#catalog.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #newRecorder(): Recorder {
    return new Recorder({
      ...this.#work,
      paths: this.#paths,
      catalog: this.#catalog,
      gatewayId: "g",
      log: createLogger([]),
      telemetry: NO_TELEMETRY,
    });
  }
}
