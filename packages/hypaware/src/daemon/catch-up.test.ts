import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HomePaths, homePaths } from "../contract/home.ts";
import { type Lock, tryLock } from "../disk/lock.ts";
import { openJournal } from "../journal/journal.ts";
import { lockPath } from "../journal/runs.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { openCatalog } from "../store/catalog.ts";
import { catchUp } from "./catch-up.ts";
import { type LocalServer, serveLocal, socketPath } from "./local-socket.ts";

let folder: string;
let paths: HomePaths;
let recorder: LocalServer;
let lock: Lock | undefined;
let passes: number;

/** A home whose recorder answers and never gets further. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hyp-catch-up-"));
  paths = homePaths(folder);
  for (const made of [paths.journal, paths.store, paths.run]) mkdirSync(made, { recursive: true });
  openCatalog(paths.catalog).close();
  lock = tryLock(paths.recorderLock);
  passes = 0;
  recorder = await serveLocal(socketPath(paths.run, "recorder"), async () => {
    passes += 1;
    return { is_behind: false };
  });
});
afterEach(async () => {
  await recorder.close();
  lock?.release();
  rmSync(folder, { recursive: true, force: true });
});

const isCaughtUp = (): Promise<boolean> =>
  catchUp(paths, "auto", {
    gatewayId: "test",
    projectors: [],
    clientRecords: [],
    contextSources: [],
    log: createLogger([]),
    telemetry: NO_TELEMETRY,
  });

test("a gateway that ended and never carried anything is not waited for", async () => {
  const run = join(paths.journal, "empty");
  mkdirSync(run);
  writeFileSync(lockPath(run), "");
  expect(await isCaughtUp()).toBe(true);
  expect(passes).toBe(1);
});

test("a gateway that lives and does not say where its journal ends is waited for", async () => {
  const journal = await openJournal({ dir: join(paths.journal, "alive"), runId: "alive" });
  try {
    expect(await isCaughtUp()).toBe(false);
    expect(passes).toBeGreaterThan(1);
  } finally {
    await journal.close();
  }
});
