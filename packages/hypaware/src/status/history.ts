// What the store tells of the history, from one look at its catalog.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ExchangeRow } from "../contract/dataset.ts";
import { type Diagnostic, diagnostic } from "../contract/diagnostics.ts";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { openCatalog } from "../store/catalog.ts";

export interface HistoryCounts {
  readonly exchanges: number;
  readonly rows: number;
  readonly unprojected: number;
  readonly quarantined: number;
  readonly journal_bytes: number;
  readonly store_bytes: number;
  /** ISO 8601. */
  readonly last_exchange_at: string | null;
}

export interface SeenClient {
  /** null: the client did not say who it is. */
  readonly client: string | null;
  readonly exchanges: number;
  readonly last_at: string | null;
  /** Its programs among the newest exchanges: a terminal, an IDE extension, an SDK. */
  readonly entrypoints: readonly string[];
}

export interface History {
  readonly counts: HistoryCounts;
  readonly seen: readonly SeenClient[];
  /** The newest exchanges that are not sealed, oldest first. */
  readonly newest: readonly ExchangeRow[];
  /** Of clients' records, that their hooks told of. */
  readonly recordRoots: ReadonlyMap<string, readonly string[]>;
  /** Why the store could not be read. */
  readonly problem?: Diagnostic;
}

const NEWEST = 500;

/** A store that cannot be read is a finding of the status, not its end. */
export function readHistory(paths: HomePaths): History {
  const journal_bytes = bytesBelow(paths.journal);
  try {
    const catalog = openCatalog(paths.catalog, { readOnly: true });
    try {
      const { storeBytes: store_bytes, ...counts } = catalog.counts();
      const newest = catalog.exchangesSince(catalog.seqOfLastExchanges(NEWEST), NEWEST).map(({ row }) => row);
      const entrypointsOf = (client: string | null): string[] => {
        const named = newest.filter(({ client_name }) => client_name === client);
        return [...new Set(named.flatMap(({ entrypoint }) => entrypoint ?? []))].sort();
      };
      return {
        counts: { ...counts, journal_bytes, store_bytes, last_exchange_at: catalog.lastExchangeAt() },
        seen: catalog.clients().map(({ client, exchanges, lastAt }) => ({
          client,
          exchanges,
          last_at: lastAt,
          entrypoints: entrypointsOf(client),
        })),
        newest,
        recordRoots: catalog.recordRoots.all(),
      };
    } finally {
      catalog.close();
    }
  } catch (error) {
    if (!(error instanceof HypError)) throw error;
    return { ...NOTHING, counts: { ...NOTHING.counts, journal_bytes }, problem: unreadable(error, paths) };
  }
}

const NOTHING: History = {
  counts: {
    exchanges: 0,
    rows: 0,
    unprojected: 0,
    quarantined: 0,
    journal_bytes: 0,
    store_bytes: 0,
    last_exchange_at: null,
  },
  seen: [],
  newest: [],
  recordRoots: new Map(),
};

function unreadable({ code, message }: HypError, { store }: HomePaths): Diagnostic {
  return code === "store_newer"
    ? diagnostic("store_newer", message, "npm install --global hypaware@latest")
    : diagnostic("store_damaged", message, `mv '${store}' '${store}.damaged' && hyp reproject --yes`);
}

function bytesBelow(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + (sizeOf(join(entry.parentPath, entry.name)) ?? 0), 0);
  } catch {
    return 0;
  }
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;
