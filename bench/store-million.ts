// What the store costs per row and per query when it is large: `node bench/store-million.ts [rows] [folder]`, default
// 1,000,000 rows. Rows are made as four parts per exchange, texts of 0.2 to 8 KB of which a third repeat; everything is written
// through the catalog, sealed and merged by the real children, and asked by the real query path. The last line sums up.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runQuery } from "../packages/hypaware/src/query/run.ts";
import { openCatalog } from "../packages/hypaware/src/store/catalog.ts";
import {
  exampleExchange,
  exampleRow,
  exampleSpan,
} from "../packages/hypaware/src/store/example-rows.testkit.ts";
import { maintainStore } from "../packages/hypaware/src/store/maintain.ts";
import { storeStatus } from "../packages/hypaware/src/store/status.ts";

const ROWS = Number(process.argv[2] ?? 1_000_000);
const PARTS = 4;
const SEALED_EVERY = 20_000;
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "hyp-million-"));
const catalogPath = join(folder, "catalog.sqlite");
const segmentsDir = join(folder, "segments");
const tmpDir = join(folder, "tmp");

let state = 0x2545f491;
/** Below `n`; the same sequence in every run. */
function random(n: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

const WORDS = Array.from({ length: 4000 }, () =>
  Array.from({ length: 2 + random(9) }, () => String.fromCharCode(97 + random(26))).join(""),
);
const hex = (digits: number): string =>
  Array.from({ length: digits }, () => random(16).toString(16)).join("");
const uuid = (): string => [8, 4, 4, 4, 12].map(hex).join("-");

/** 0.2 to 8 KB, log-uniform. */
function text(): string {
  const size = 200 * 40 ** (random(1000) / 1000);
  let made = "";
  while (made.length < size) made += `${WORDS[random(random(2) === 0 ? 200 : 4000)]} `;
  return made;
}

const REPEATED = Array.from({ length: 600 }, text);
const SYSTEMS = Array.from({ length: 40 }, () => text().repeat(3));
const TOOLS = Array.from({ length: 20 }, (_, n) => [{ name: `tool${n}`, description: text() }]);
const MODELS = ["large-4", "small-4", "mini-2"];
const PART_TYPES = ["text", "tool_call", "tool_result", "reasoning"];

function capture(catalog: ReturnType<typeof openCatalog>, from: number, to: number): void {
  catalog.transaction(() => {
    for (let n = from; n < to; n += 1) {
      const session = `${Math.floor(n / 200)}`.padStart(8, "0") + "-4a5b-4c6d-8e7f-001122334455";
      const at = new Date(Date.parse("2026-06-01T00:00:00Z") + n * 60_000).toISOString();
      const exchange_id = hex(32);
      catalog.putExchange(
        exampleExchange(n, {
          exchange_id,
          started_at: at,
          ended_at: at,
          session_id: session,
          conversation_id: session,
          client_name: "client",
          model: MODELS[random(3)]!,
          requested_model: "large",
          provider: "provider",
          upstream: "upstream",
          method: "POST",
          path: "/v1/messages?beta=true",
          status_code: 200,
          request_id: `req_${hex(24)}`,
          response_id: `msg_${hex(24)}`,
          duration_ms: random(60_000) + 0.5,
          request_bytes: random(200_000),
          response_bytes: random(50_000),
          input_tokens: random(2000),
          output_tokens: random(4000),
          cache_read_tokens: random(100_000),
          total_input_tokens: random(100_000),
          cost_microusd: random(100_000),
          rate_limits: { "requests-remaining": random(1000), "tokens-remaining": random(1_000_000) },
          rows_written: PARTS,
          date: at.slice(0, 10),
        }),
        exampleSpan(n),
      );
      catalog.putRows(
        Array.from({ length: PARTS }, (_, part) => {
          const message_id = uuid();
          return exampleRow(n * PARTS + part, {
            conversation_id: session,
            message_id,
            part_id: `${message_id}#0`,
            previous_message_id: [uuid()],
            provider_uuid: message_id,
            message_created_at: at,
            conversation_started_at: at,
            part_type: PART_TYPES[part]!,
            model: MODELS[random(3)]!,
            cwd: `/home/me/project${random(20)}`,
            system_text: SYSTEMS[Math.floor(n / 200) % SYSTEMS.length]!,
            tools: TOOLS[Math.floor(n / 200) % TOOLS.length]!,
            content_text: random(100) < 35 ? REPEATED[random(600)]! : text(),
            attributes: { gateway: { exchange_id, request_class: "main", session_id: session } },
            date: at.slice(0, 10),
          });
        }),
      );
    }
  });
}

const QUERIES = {
  "usage by model and day":
    "SELECT date, model, sum(output_tokens), sum(total_input_tokens) FROM ai_gateway_exchanges GROUP BY 1, 2",
  "rows by model and day": "SELECT date, model, count(*) FROM ai_gateway_messages GROUP BY 1, 2",
  "one conversation":
    "SELECT content_text FROM ai_gateway_messages WHERE conversation_id = '00000003-4a5b-4c6d-8e7f-001122334455'",
  count: "SELECT count(*) FROM ai_gateway_messages",
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const catalog = openCatalog(catalogPath);
try {
  const started = performance.now();
  let commitMs = 0;
  for (let at = 0; at < ROWS; at += SEALED_EVERY) {
    for (let n = at; n < Math.min(ROWS, at + SEALED_EVERY); n += 4000)
      capture(catalog, n / PARTS, (n + 4000) / PARTS);
    const sealing = await timed(() =>
      maintainStore({ catalog, catalogPath, segmentsDir, tmpDir, settledBefore: Date.now() * 2, minRows: 1 }),
    );
    commitMs += sealing;
    if (at % (SEALED_EVERY * 5) === 0) console.log(`${at} rows, sealing ${Math.round(sealing)} ms`);
  }
  await maintainStore({
    catalog,
    catalogPath,
    segmentsDir,
    tmpDir,
    settledBefore: Date.now() * 2,
    minRows: 1,
    mergeAll: true,
  });
  catalog.makeDurable();
  const { datasets, catalogBytes, segmentBytes } = storeStatus(catalog);
  const rows = datasets[0]!.sealedRows;
  for (const each of datasets) console.log(JSON.stringify(each));
  const results: string[] = [];
  for (const [name, sql] of Object.entries(QUERIES)) {
    const times: number[] = [];
    for (let turn = 0; turn < 7; turn += 1)
      times.push(await timed(() => runQuery({ catalogPath, segmentsDir, tmpDir, sql, timeZone: "UTC" })));
    results.push(`${name} ${median(times.slice(2)).toFixed(0)} ms`);
  }
  const perRow = (bytes: number): number => Math.round(bytes / rows);
  console.log(
    `rows ${rows}; wall ${Math.round((performance.now() - started) / 1000)} s, sealing ${Math.round(commitMs / 1000)} s; ` +
      `bytes a row: segments ${perRow(segmentBytes)}, catalog ${perRow(catalogBytes)}, together ${perRow(segmentBytes + catalogBytes)}; ` +
      `warm in-process: ${results.join(", ")}`,
  );
} finally {
  catalog.close();
  rmSync(folder, { recursive: true, force: true });
}
