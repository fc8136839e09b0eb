import type { SQLInputValue } from "node:sqlite";
import type { DatasetName } from "../../contract/dataset.ts";
import { Blobs } from "../blobs.ts";
import { Database } from "../database.ts";
import type { DatasetTable } from "../dataset-table.ts";
import { eachRow } from "../each-row.ts";
import { Exchanges, SPAN_COLUMNS } from "../exchanges.ts";
import { BLOB_COLUMNS, KEYS, storedColumns } from "../layout.ts";
import type { Segments } from "../segments.ts";
import { areRecordsFresh } from "./records.ts";
import { commitThreads } from "./thread-commit.ts";

// What a shadow differs in goes to the store, in one transaction and only if nothing of it has moved on since. Everything is read
// row by row from the shadow; the engine is not needed, and of the store only what changes is touched.

/** `stale`: the store has moved on in the scope, nothing was changed; the shadow must learn and compare again. */
export type ShadowCommit = "committed" | "stale";

export interface CommitTarget {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly segments: Segments;
  readonly tables: Readonly<Record<DatasetName, DatasetTable>>;
}

const EXTRA_COLUMNS: Readonly<Record<DatasetName, readonly string[]>> = {
  ai_gateway_messages: [],
  ai_gateway_exchanges: SPAN_COLUMNS,
};

class Stale extends Error {}

/** For who holds the recorder's lock; the connection must have no other user until it ends. */
export async function commitShadow(target: CommitTarget, path: string): Promise<ShadowCommit> {
  const shadow = Database.open(path, { readOnly: true });
  try {
    await target.database.longTransaction(async () => {
      requireFresh(target, shadow);
      for (const dataset of Object.keys(target.tables) as DatasetName[])
        await commitRows(target, shadow, dataset);
      if (!(await commitThreads(target.database, shadow))) throw new Stale();
      target.segments.nextGeneration();
    });
    return "committed";
  } catch (error) {
    if (error instanceof Stale) return "stale";
    throw error;
  } finally {
    shadow.close();
  }
}

/** No other reprojection came first, and no exchange or line of a client's record to a conversation of the scope. */
function requireFresh({ database, segments }: CommitTarget, shadow: Database): void {
  const base = (name: string): number =>
    Number(shadow.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", `base_${name}`)!.value);
  if (segments.generation() !== base("generation")) throw new Stale();
  const inScope = shadow.prepare("SELECT 1 FROM scope_conversations WHERE key = ?");
  for (const { conversationId } of new Exchanges(database).placesSince(base("sequence")))
    if (conversationId !== null && inScope.get(conversationId) !== undefined) throw new Stale();
  if (!areRecordsFresh(database, shadow)) throw new Stale();
}

async function commitRows(
  { tables, blobs }: CommitTarget,
  shadow: Database,
  dataset: DatasetName,
): Promise<void> {
  const table = tables[dataset];
  const removed = shadow.iterate(
    "SELECT key FROM row_changes WHERE dataset = ? AND kind = 'removed'",
    dataset,
  ) as Iterator<[string]>;
  await eachRow(removed, ([key]) => void table.remove(key));

  const names = [...EXTRA_COLUMNS[dataset], ...storedColumns(dataset).map(({ name }) => name)];
  const shared = names.flatMap((name, i) => (BLOB_COLUMNS.has(name) ? [i] : []));
  const texts = new Blobs(shadow);
  const written = shadow.iterate(
    `SELECT c.key, ${names.map((name) => `r."${name}"`).join(", ")}
     FROM row_changes c JOIN ${dataset} r ON r.${KEYS[dataset]} = c.key
     WHERE c.dataset = ? AND c.kind <> 'removed' ORDER BY r._seq`,
    dataset,
  ) as Iterator<[string, ...SQLInputValue[]]>;
  await eachRow(written, ([key, ...values]) => {
    for (const i of shared) if (values[i] !== null) values[i] = blobs.put(texts.get(values[i] as number));
    table.upsert(key, values);
  });
}
