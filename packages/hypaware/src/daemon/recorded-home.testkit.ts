import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FrameSink } from "../contract/frame.ts";
import { homePaths } from "../contract/home.ts";
import type { ClientRecord, ExchangeProjector } from "../contract/plugin.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import type { Cell } from "../query/cell.ts";
import { runQuery } from "../query/run.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { Recorder } from "./recorder.ts";

export interface RecordedBy {
  readonly projectors: readonly ExchangeProjector[];
  /** Of a home folder. */
  readonly clientRecord?: (home: string) => ClientRecord;
}

/** A home with everything from the journal on: a gateway's journal, a recorder, a store, and queries over it. */
export class RecordedHome {
  readonly folder = mkdtempSync(join(tmpdir(), "hyp-recorded-"));
  readonly #paths = homePaths(join(this.folder, "hyp"));
  readonly #by: RecordedBy;
  #runs = 0;
  #journal: Journal | undefined;
  #catalog: Catalog;
  #recorder: Recorder;

  constructor(by: RecordedBy) {
    this.#by = by;
    for (const folder of [this.#paths.journal, this.#paths.store]) mkdirSync(folder, { recursive: true });
    this.#catalog = openCatalog(this.#paths.catalog);
    this.#recorder = this.#newRecorder();
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

  async close(): Promise<void> {
    await this.#journal?.close();
    this.#catalog.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #newRecorder(): Recorder {
    const { projectors, clientRecord } = this.#by;
    return new Recorder({
      paths: this.#paths,
      catalog: this.#catalog,
      projectors: projectors.map((projector, order) => ({ ...projector, order })),
      contextSources: [],
      clientRecords: clientRecord === undefined ? [] : [clientRecord(this.folder)],
      gatewayId: "g",
      log: createLogger([]),
      telemetry: NO_TELEMETRY,
    });
  }
}
