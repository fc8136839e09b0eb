// What undoing an attachment exactly needs and the settings file itself does not say: stretches of text, never the file as a whole,
// which may hold secrets. `<state>/attached/<client>-<hash of the file's place>.json`, 0600.
//
// The record is written before the settings, and holds the one before until they are: whichever of both texts a crash leaves, its
// record is there. They are told apart by the time of the mark in the file.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import type { Piece } from "./settings-format.ts";

export interface UndoRecord {
  readonly attached_at: string;
  readonly pieces: readonly Piece[];
  /** Folders that were made for the file, outermost first. */
  readonly folders: readonly string[];
}

interface RecordFile {
  readonly client: string;
  /** As the client names it, not behind links. */
  readonly file: string;
  readonly records: readonly UndoRecord[];
}

export interface UndoRecords {
  find(client: string, file: string, attachedAt: string | undefined): UndoRecord | undefined;
  /** Folders that were made for the file by attachments that may not have come to their end. */
  folders(client: string, file: string): readonly string[];
  /** Keeps it beside those that are there. */
  add(client: string, file: string, record: UndoRecord): void;
  /** Only this one stays; without one none does. */
  keep(client: string, file: string, attachedAt: string | undefined): void;
  /** Of each file that was attached and not detached, whatever the environment said where its settings are. */
  list(): readonly Pick<RecordFile, "client" | "file">[];
}

/** Of the record of one settings file of a client. */
export const recordName = (client: string, file: string): string =>
  `${client}-${createHash("sha256").update(file).digest("hex").slice(0, 16)}.json`;

/** `state`: the state folder of the home. */
export function undoRecords(state: string): UndoRecords {
  const folder = join(state, "attached");
  const placeOf = (client: string, file: string): string => join(folder, recordName(client, file));

  function read(place: string): RecordFile | undefined {
    try {
      const value = JSON.parse(readFileSync(place, "utf8")) as RecordFile;
      return Array.isArray(value.records) ? value : undefined;
    } catch {
      // Missing or damaged: the mark in the settings does without.
      return undefined;
    }
  }

  function write(client: string, file: string, records: readonly UndoRecord[]): void {
    const place = placeOf(client, file);
    if (records.length === 0) {
      rmSync(place, { force: true });
      return;
    }
    ensurePrivateFolder(folder);
    writeFileAtomic(place, `${JSON.stringify({ client, file, records } satisfies RecordFile)}\n`);
  }

  return {
    find: (client, file, attachedAt) =>
      read(placeOf(client, file))?.records.find((record) => record.attached_at === attachedAt),
    folders: (client, file) => [
      ...new Set(read(placeOf(client, file))?.records.flatMap((record) => record.folders)),
    ],
    add(client, file, record) {
      const others = read(placeOf(client, file))?.records ?? [];
      write(client, file, [record, ...others.filter((each) => each.attached_at !== record.attached_at)]);
    },
    keep(client, file, attachedAt) {
      const records = read(placeOf(client, file))?.records ?? [];
      write(
        client,
        file,
        records.filter((record) => record.attached_at === attachedAt),
      );
    },
    list() {
      let names: readonly string[] = [];
      try {
        names = readdirSync(folder).filter((name) => basename(name).endsWith(".json"));
      } catch {
        // Nothing was ever attached.
      }
      return names.flatMap((name) => read(join(folder, name)) ?? []);
    },
  };
}
