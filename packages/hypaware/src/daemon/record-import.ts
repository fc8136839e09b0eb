// Reading of clients' own records because a person asks for it: all of them or one client's, whether they are followed or not. Files are read
// from where they were read before, so that an import that ended early goes on there, and none is read twice.

import type { AnyClientRecord, ClientDatabase, RecordBatch } from "../contract/record.ts";
import { RecordDatabases } from "../notes/record-databases.ts";
import { RecordFiles } from "../notes/record-files.ts";
import type { RecordPlace, RecordPlaces } from "../notes/record-reader.ts";
import { withToldRoots } from "../notes/record-roots.ts";
import { linkEntries } from "./link-record.ts";
import type { Recording } from "./record-exchange.ts";

export interface ImportedRecords {
  /** Missing: every client's. */
  readonly client?: string;
  /** Milliseconds since 1970: only what changed since. */
  readonly changed_since?: number;
}

export interface ImportProgress {
  readonly is_done: boolean;
  /** Files that were found and those that were read to their ends; a database is none. */
  readonly files: number;
  readonly files_read: number;
  /** Of all messages that were read, and of those that were not known before. */
  readonly messages: number;
  readonly new_messages: number;
}

export class RecordImport {
  readonly #recording: Recording;
  readonly #files: RecordFiles;
  readonly #databases: RecordDatabases;
  readonly #isPartial: boolean;
  /** Of databases that are read in part: that is no place from which others go on. */
  readonly #own = new Map<string, RecordPlace>();
  #messages = 0;
  #newMessages = 0;

  constructor(recording: Recording, wanted: ImportedRecords) {
    const { client, changed_since: since = 0 } = wanted;
    const told = recording.catalog.recordRoots.all();
    const records = recording.clientRecords
      .filter((record) => client === undefined || record.client === client)
      .map((record) => withToldRoots(record, told));
    this.#recording = recording;
    this.#isPartial = since > 0;
    this.#files = new RecordFiles(records, recording.log, Date.now, since);
    this.#databases = new RecordDatabases(
      records.map((record) => changedSince(record, since)),
      recording.log,
    );
  }

  /** For about `budgetMs`. */
  async read(budgetMs: number): Promise<ImportProgress> {
    await this.#files.read(this.#stored(), budgetMs, true);
    const places = this.#isPartial ? this.#unstored() : this.#stored();
    const isRead = await this.#databases.read(places, budgetMs, true);
    const { files, read } = this.#files.progress();
    return {
      is_done: !this.#files.isBehind && isRead,
      files,
      files_read: read,
      messages: this.#messages,
      new_messages: this.#newMessages,
    };
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  #stored(): RecordPlaces {
    const { noteFiles } = this.#recording.catalog;
    return this.#places(
      (id) => noteFiles.place(id),
      (id, place) => noteFiles.setPlace(id, place),
    );
  }

  #unstored(): RecordPlaces {
    return this.#places(
      (id) => this.#own.get(id),
      (id, place) => void this.#own.set(id, place),
    );
  }

  #places(place: RecordPlaces["place"], setPlace: (id: string, place: RecordPlace) => void): RecordPlaces {
    const { catalog, gatewayId } = this.#recording;
    const commit = (read: RecordBatch, id: string, at: RecordPlace): void => {
      const added = catalog.transaction(() => {
        setPlace(id, at);
        return linkEntries(catalog, gatewayId, read);
      });
      this.#messages += read.entries.length;
      this.#newMessages += added;
    };
    return { place, commit };
  }
}

/** A database of which only the sessions are seen that changed since. */
function changedSince(record: AnyClientRecord, since: number): AnyClientRecord {
  if (!("database" in record) || since <= 0) return record;
  const sessions = `SELECT * FROM (${record.sessions}) WHERE changed >= ${since} ORDER BY changed, id`;
  return { ...record, sessions } satisfies ClientDatabase;
}
