// How long it takes to read one Codex rollout of a gigabyte that never passed the gateway, and how much memory: a recorder's passes,
// one behind the other, in a process like its own. `killed`: that process is ended in the middle and another goes on, which must end
// with as many messages. Prints JSON; exits 1 over 300 MB, when a message is missing, or after ten minutes.
//
//   node bench/rollout-import.ts [megabytes] [jsonl | zst]

import { fork } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { rollouts } from "../packages/hypaware/src/adapters/codex/rollout/record.ts";
import { homePaths } from "../packages/hypaware/src/contract/home.ts";
import { Recorder } from "../packages/hypaware/src/daemon/recorder.ts";
import { RECORDER_FLAGS } from "../packages/hypaware/src/daemon/supervisor.ts";
import { createLogger } from "../packages/hypaware/src/kernel/log.ts";
import { NO_TELEMETRY } from "../packages/hypaware/src/kernel/telemetry.ts";
import { openCatalog } from "../packages/hypaware/src/store/catalog.ts";
import { rolloutLines, THREAD } from "./rollout-lines.ts";

const MB = 1024 * 1024;
const BOUND_MB = 300;
const TIMEOUT_MS = 600_000;

interface Read {
  readonly rows: number;
  readonly seconds: number;
  /** Of the process, whatever else the machine does. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

if (process.argv[2] === "read") await read(process.argv[3]!);
else await measure(Number(process.argv[2] ?? 1_024), process.argv[3] ?? "jsonl");

async function read(folder: string): Promise<void> {
  const began = performance.now();
  const paths = homePaths(join(folder, "home"));
  mkdirSync(paths.store, { recursive: true });
  const catalog = openCatalog(paths.catalog);
  const recorder = new Recorder({
    paths,
    catalog,
    projectors: [],
    contextSources: [],
    clientRecords: [rollouts({ CODEX_HOME: join(folder, "codex") })],
    gatewayId: "bench",
    log: createLogger([]),
    telemetry: NO_TELEMETRY,
  });
  do await recorder.pass();
  while (recorder.isBehind);
  const figures: Read = {
    rows: catalog.counts().rows,
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: cpuSeconds(),
    peakMb: process.resourceUsage().maxRSS / 1_024,
  };
  await recorder.close();
  catalog.close();
  process.send?.(figures);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function measure(megabytes: number, form: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "hyp-rollout-"));
  try {
    const written = await write(folder, megabytes * MB, form);
    const whole = await readIn(folder);
    rmSync(join(folder, "home"), { recursive: true });
    await readIn(folder, (whole.seconds * 1_000) / 2);
    const rest = await readIn(folder);
    console.log(
      JSON.stringify({
        form,
        megabytes,
        file_mb: written / MB,
        ...whole,
        mb_per_second: megabytes / whole.seconds,
        mb_per_cpu_second: megabytes / whole.cpuSeconds,
        killed: rest,
      }),
    );
    if (Math.max(whole.peakMb, rest.peakMb) > BOUND_MB || rest.rows !== whole.rows) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many bytes the file has. */
async function write(folder: string, bytes: number, form: string): Promise<number> {
  const day = join(folder, "codex/sessions/2026/11/22");
  mkdirSync(day, { recursive: true });
  const path = join(day, `rollout-2026-11-22T11-00-00-${THREAD}.jsonl${form === "zst" ? ".zst" : ""}`);
  const lines = Readable.from(upTo(bytes), { objectMode: true });
  if (form === "zst") await pipeline(lines, createZstdCompress(), createWriteStream(path));
  else await pipeline(lines, createWriteStream(path));
  return statSync(path).size;
}

function* upTo(bytes: number): Generator<string> {
  let written = 0;
  for (const line of rolloutLines(1)) {
    if (written >= bytes) return;
    written += line.length;
    yield line;
  }
}

async function readIn(folder: string, killAfterMs?: number): Promise<Read> {
  const child = fork(process.argv[1]!, ["read", folder], { execArgv: [...RECORDER_FLAGS] });
  const timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs ?? TIMEOUT_MS);
  const told = once(child, "message") as Promise<[Read]>;
  const ended = once(child, "exit");
  const figures = await Promise.race([told.then(([each]) => each), ended.then(() => undefined)]);
  clearTimeout(timer);
  await ended;
  if (figures !== undefined) return figures;
  if (killAfterMs === undefined) throw new Error("it did not end in time");
  return { rows: 0, seconds: 0, cpuSeconds: 0, peakMb: 0 };
}
