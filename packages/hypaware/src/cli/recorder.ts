import type { Command } from "commander";
import { rmSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.ts";
import type { JsonObject } from "../contract/projection.ts";
import { serveLocal, socketPath } from "../daemon/local-socket.ts";
import type { ImportedRecords } from "../daemon/record-import.ts";
import { Recorder } from "../daemon/recorder.ts";
import type { RecorderMessage, SupervisorMessage } from "../daemon/supervisor.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { type Lock, tryLock } from "../disk/lock.ts";
import { compileLate } from "../kernel/compile-late.ts";
import { sweepScratch } from "../query/scratch.ts";
import { openCatalog } from "../store/catalog.ts";
import { shadowPath } from "../store/shadow/shadow.ts";
import { sweepSegments } from "../store/sweep.ts";
import { type CliContext, withApp } from "./context.ts";
import { recordingOf } from "./recording-of.ts";

const HEARTBEAT_MS = 1_000;
const LOCK_RETRY_MS = 250;
/**
 * Between two looks at the journals: while exchanges come in (a look costs as much as an exchange, and a query asks for one of
 * its own), and when nothing happens.
 */
const BUSY_MS = 50;
const IDLE_MS = 150;
/** Where clients' own records are not read to their end, as when they are read for the first time: one pass reads for a short time. */
const BEHIND_MS = 5;
/** Between two rounds of compressing and clearing the journals. */
const MAINTAIN_MS = 60_000;
/** After a pass that failed: a full disk or a file that is being moved. */
const FAILED_MS = 1_000;

/** The recorder process. Hidden: a gateway's supervisor starts it. */
export function registerRecorder(program: Command, context: CliContext): void {
  program
    .command("recorder", { hidden: true })
    .description("follow the journals and store what ended (started by the gateway)")
    .option("--config <file>")
    .action((options: { config?: string }) =>
      withApp(context, "recorder", { mode: "recorder", configFile: options.config }, record),
    );
}

/** Ends when its supervisor says so or is gone, after everything in the journals is stored. */
async function record(app: App): Promise<void> {
  compileLate();
  // The bytes go first: where cores are scarce the recorder waits, not the gateway.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.on("disconnect", end);
  process.on("message", (message: SupervisorMessage) => message.type === "drain" && end());
  // A terminal or a service manager signals the whole group; whether and when to stop is the supervisor's decision.
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"]) process.on(signal, () => {});

  const heartbeat = setInterval(() => tell({ type: "alive" }), HEARTBEAT_MS);
  heartbeat.unref();
  tell({ type: "alive" });
  try {
    const lock = await waitForLock(app.paths.recorderLock, ending.signal);
    if (lock === undefined) return;
    try {
      tell({ type: "recording" });
      await followJournals(app, ending.signal);
    } finally {
      lock.release();
    }
  } finally {
    clearInterval(heartbeat);
    if (process.connected) process.disconnect();
  }
}

function tell(message: RecorderMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function waitForLock(path: string, ending: AbortSignal): Promise<Lock | undefined> {
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (ending.aborted) return undefined;
    await pause(LOCK_RETRY_MS, ending);
  }
}

async function followJournals(app: App, ending: AbortSignal): Promise<void> {
  const { paths } = app;
  ensurePrivateFolder(paths.store);
  const catalog = openCatalog(paths.catalog);
  // What a killed child or command left behind.
  sweepSegments(catalog, paths.segments);
  sweepScratch(paths.tmp);
  const recorder = new Recorder({ ...recordingOf(app), paths, catalog });
  const file = join(paths.run, "recorder.json");
  writeFileAtomic(file, `${JSON.stringify({ pid: process.pid, started_at: new Date().toISOString() })}\n`);
  const server = await serveLocal(socketPath(paths.run, "recorder"), async (request) => {
    const { op, folder } = request;
    if (op === "pass") {
      const stored = await recorder.pass(true);
      return { stored, is_behind: recorder.isBehind };
    }
    if (op === "commit-shadow" && typeof folder === "string")
      return { result: await recorder.commitShadow(shadowPath(paths.tmp, folder)) };
    if (op === "import") return asReply(await recorder.importRecords(importedRecords(request)));
    if (op === "maintain") return asReply(await recorder.maintain());
    if (op === "compact") return asReply(await recorder.compact());
    throw new Error(`unknown request: ${JSON.stringify(op)}`);
  });
  try {
    let maintainedAt = performance.now();
    while (!ending.aborted) {
      const idleMs = await look(recorder);
      if (idleMs === IDLE_MS && performance.now() - maintainedAt > MAINTAIN_MS) {
        maintainedAt = performance.now();
        void maintain(recorder, app);
      }
      await pause(idleMs, ending);
    }
    await recorder.endMaintenance();
    await recorder.pass(true);
    await recorder.close();
  } finally {
    await server.close();
    catalog.close();
    rmSync(file, { force: true });
  }
}

/** One pass; resolves with how long to wait for the next. */
async function look(recorder: Recorder): Promise<number> {
  try {
    const stored = await recorder.pass();
    if (recorder.isBehind) return BEHIND_MS;
    return stored > 0 ? BUSY_MS : IDLE_MS;
  } catch {
    // It is logged where it happened.
    return FAILED_MS;
  }
}

/** Runs beside the passes. */
async function maintain(recorder: Recorder, { log }: App): Promise<void> {
  try {
    const { store, journal } = await recorder.maintain();
    const work = store.sealedRows + store.mergedSegments + journal.compressed + journal.removed;
    if (work > 0) log.info("store.maintained", { ...store, ...journal });
  } catch (error) {
    log.error("store.maintain_failed", { error: error instanceof Error ? error.message : String(error) });
  }
}

function importedRecords({ client, changed_since: since }: JsonObject): ImportedRecords {
  return {
    ...(typeof client === "string" ? { client } : {}),
    ...(typeof since === "number" ? { changed_since: since } : {}),
  };
}

/** Results are plain data; only their interfaces have no index signature. */
const asReply = (result: object): JsonObject => ({ ...result });

async function pause(ms: number, ending: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: ending }).catch(() => {});
}
