// What the store costs per row and per query when it is large: `node bench/store-million.ts [rows] [folder]`, default
// 1,000,000 rows. `store-rows.ts` says how they are made; everything is written through the catalog, sealed and merged by the
// real children, and asked by the real query path. Lines before the last say where the bytes are; the last line sums up.

import { median } from "../flows/lib/median.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runQuery } from "../packages/hypaware/src/query/run.ts";
import { openCatalog } from "../packages/hypaware/src/store/catalog.ts";
import { maintainStore } from "../packages/hypaware/src/store/maintain.ts";
import { storeStatus } from "../packages/hypaware/src/store/status.ts";
import { bytesReport } from "./store-bytes.ts";
import { PARTS, writeExchanges } from "./store-rows.ts";

const ROWS = Number(process.argv[2] ?? 1_000_000);
const SEALED_EVERY = 20_000;
const WRITTEN_AT_ONCE = 4000;
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "hyp-million-"));
const catalogPath = join(folder, "catalog.sqlite");
const segmentsDir = join(folder, "segments");
const tmpDir = join(folder, "tmp");

const queries = (conversationId: string) => ({
  "usage by model and day":
    "SELECT date, model, sum(output_tokens), sum(total_input_tokens) FROM ai_gateway_exchanges GROUP BY 1, 2",
  "rows by model and day": "SELECT date, model, count(*) FROM ai_gateway_messages GROUP BY 1, 2",
  "one conversation": `SELECT content_text FROM ai_gateway_messages WHERE conversation_id = '${conversationId}'`,
  count: "SELECT count(*) FROM ai_gateway_messages",
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const catalog = openCatalog(catalogPath);
try {
  const started = performance.now();
  let [commitMs, writingMs] = [0, 0];
  let [conversation, asked] = ["", ""];
  for (let at = 0; at < ROWS; at += SEALED_EVERY) {
    const writing = performance.now();
    for (let n = at; n < Math.min(ROWS, at + SEALED_EVERY); n += WRITTEN_AT_ONCE)
      conversation = writeExchanges(catalog, n / PARTS, (n + WRITTEN_AT_ONCE) / PARTS);
    writingMs += performance.now() - writing;
    if (at < ROWS / 2) asked = conversation;
    const sealing = await timed(() =>
      maintainStore({ catalog, catalogPath, segmentsDir, tmpDir, settledBefore: Date.now() * 2, minRows: 1 }),
    );
    commitMs += sealing;
    if (at % (SEALED_EVERY * 5) === 0) console.log(`${at} rows, sealing ${Math.round(sealing)} ms`);
  }
  const lastMerge = await timed(() =>
    maintainStore({
      catalog,
      catalogPath,
      segmentsDir,
      tmpDir,
      settledBefore: Date.now() * 2,
      minRows: 1,
      mergeAll: true,
    }),
  );
  catalog.makeDurable();
  const { datasets, catalogBytes, segmentBytes } = storeStatus(catalog);
  const rows = datasets[0]!.sealedRows;
  for (const each of datasets) console.log(JSON.stringify(each));
  const files = catalog.segments.listed().map(({ file }) => file);
  for (const line of await bytesReport(catalogPath, segmentsDir, files, rows)) console.log(line);
  const results: string[] = [];
  for (const [name, sql] of Object.entries(queries(asked))) {
    const times: number[] = [];
    for (let turn = 0; turn < 7; turn += 1)
      times.push(await timed(() => runQuery({ catalogPath, segmentsDir, tmpDir, sql, timeZone: "UTC" })));
    results.push(`${name} ${median(times.slice(2)).toFixed(0)} ms`);
  }
  const perRow = (bytes: number): number => Math.round(bytes / rows);
  console.log(
    `rows ${rows}; wall ${Math.round((performance.now() - started) / 1000)} s, writing ${Math.round(writingMs / 1000)} s, sealing and merging ${Math.round(commitMs / 1000)} s, last merge ${Math.round(lastMerge / 1000)} s; ` +
      `bytes a row: segments ${perRow(segmentBytes)}, catalog ${perRow(catalogBytes)}, together ${perRow(segmentBytes + catalogBytes)}; ` +
      `warm in-process: ${results.join(", ")}`,
  );
} finally {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
}
