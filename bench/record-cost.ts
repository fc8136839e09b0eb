// What recording one exchange costs the recorder: CPU from its frames in a journal to its rows, in this process. The journal is
// written in turns with the passes, as a gateway does; only the passes are measured. Prints JSON; to compare two versions, run it in turn in
// their checkouts.
//
//   node bench/record-cost.ts [--scenario conversation_c1] [--exchanges 400] [--together 10]
//
// `--together`: exchanges between two passes.

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { claudeProjector } from "../packages/hypaware/src/adapters/claude/projector.ts";
import type { CaptureFrame } from "../packages/hypaware/src/contract/frame.ts";
import { homePaths } from "../packages/hypaware/src/contract/home.ts";
import { Recorder } from "../packages/hypaware/src/daemon/recorder.ts";
import { openJournal } from "../packages/hypaware/src/journal/journal.ts";
import { createLogger } from "../packages/hypaware/src/kernel/log.ts";
import { NO_TELEMETRY } from "../packages/hypaware/src/kernel/telemetry.ts";
import { openCatalog } from "../packages/hypaware/src/store/catalog.ts";
import { DELTAS, MARK, delta, jsonAnswer, streamEnds } from "./bodies.ts";
import { percentile } from "./figures.ts";
import { SCENARIOS } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "conversation_c1" },
    exchanges: { type: "string", default: "400" },
    together: { type: "string", default: "10" },
  },
});
const scenario = SCENARIOS.find(({ name }) => name === values.scenario);
if (scenario === undefined) throw new Error(`There are: ${SCENARIOS.map(({ name }) => name).join(", ")}`);
const exchanges = Number(values.exchanges);
const together = Number(values.together);

const bodies = scenario.bodies();
const deltas = Array.from({ length: DELTAS }, (_, i) => delta(i));

function framesOf(n: number): readonly CaptureFrame[] {
  const exchangeId = randomBytes(16).toString("hex");
  const mark = String(Math.floor(n / bodies.length)).padStart(MARK.length, "0");
  const bytes = Buffer.from(bodies[n % bodies.length]!.toString("latin1").replaceAll(MARK, mark), "latin1");
  const isJson = scenario!.answer === "json";
  const [begin, end] = streamEnds(n);
  // Event by event, as an upstream sends them.
  const pieces = isJson ? [jsonAnswer(n)] : [begin, ...deltas, end];
  const answer = Buffer.from(pieces.join(""));
  const type = isJson ? "application/json" : "text/event-stream";
  return [
    {
      kind: "open",
      exchangeId,
      head: {
        startedAt: 1_700_000_000_000 + n * 1_000,
        method: "POST",
        target: "/v1/messages?beta=true",
        httpVersion: "1.1",
        headers: [
          "Host: localhost:18521",
          "Content-Type: application/json",
          "Accept: application/json",
          "anthropic-version: 2023-06-01",
          "x-api-key: REDACTED:0000",
          "User-Agent: claude-cli/2.1.330 (external, cli)",
          `X-Claude-Code-Session-Id: 0c9b1c0e-0000-4000-8000-${mark}`,
          `Content-Length: ${bytes.length}`,
        ].flatMap((line) => line.split(": ")),
        upstream: "anthropic",
        provider: "anthropic",
        routeReason: "match",
        clientName: null,
        gatewayId: "bench",
        metadata: {},
      },
    },
    { kind: "request-body", exchangeId, bytes, masked: [], last: true },
    {
      kind: "response-head",
      exchangeId,
      head: { tMs: 1, status: 200, statusText: "OK", headers: ["Content-Type", type] },
    },
    {
      kind: "response-bytes",
      exchangeId,
      bytes: answer,
      arrivals: pieces.map(({ length }, i) => ({ tMs: 2 + i / 1_000, length })),
      masked: [],
    },
    {
      kind: "close",
      exchangeId,
      end: {
        tMs: 3,
        outcome: "complete",
        error: null,
        requestBytes: bytes.length,
        responseBytes: answer.length,
      },
    },
  ];
}

const home = mkdtempSync(join(tmpdir(), "hyp-bench-"));
const paths = homePaths(home);
for (const folder of [paths.journal, paths.store]) mkdirSync(folder, { recursive: true });
const catalog = openCatalog(paths.catalog);
const recorder = new Recorder({
  paths,
  catalog,
  projectors: [{ ...claudeProjector, order: 0 }],
  contextSources: [],
  clientRecords: [],
  gatewayId: "g",
  log: createLogger([]),
  telemetry: NO_TELEMETRY,
});
const journal = await openJournal({ dir: join(paths.journal, "run"), runId: "run" });
/** Milliseconds of CPU an exchange, pass by pass: all threads, and the one that records. */
const all: number[] = [];
const own: number[] = [];
let stored = 0;
for (let n = 0; n < exchanges; n += together) {
  for (let i = 0; i < together; i++) for (const frame of framesOf(n + i)) journal.append(frame);
  await journal.flush();
  const [before, ownBefore] = [process.cpuUsage(), process.threadCpuUsage()];
  stored += await recorder.pass();
  const [after, ownAfter] = [process.cpuUsage(before), process.threadCpuUsage(ownBefore)];
  all.push((after.user + after.system) / 1_000 / together);
  own.push((ownAfter.user + ownAfter.system) / 1_000 / together);
}
await journal.close();
const { rows } = catalog.counts();
catalog.close();
rmSync(home, { recursive: true });

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;
const mean = (list: readonly number[]): number => list.reduce((sum, each) => sum + each, 0) / list.length;
// The first quarter is warm-up.
const warm = all.slice(all.length >> 2);
console.log(
  JSON.stringify({
    scenario: scenario.name,
    exchanges: stored,
    rows,
    cpu_ms: rounded(mean(warm)),
    cpu_ms_p50: rounded(percentile(warm, 50)),
    cpu_ms_cold: rounded(mean(all.slice(0, all.length >> 2))),
    thread_ms: rounded(mean(own.slice(own.length >> 2))),
    rss_mb: Math.round(process.memoryUsage.rss() / 1e6),
  }),
);
