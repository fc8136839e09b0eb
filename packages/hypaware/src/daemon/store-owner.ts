// Commands that change the store have it done by its one owner: the running recorder, asked over its socket, or this process,
// which takes the recorder's lock where no recorder runs.

import { setTimeout as sleep } from "node:timers/promises";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import type { JsonObject } from "../contract/projection.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import { openCatalog } from "../store/catalog.ts";
import type { ShadowCommit } from "../store/shadow/commit.ts";
import { shadowPath } from "../store/shadow/shadow.ts";
import { callLocal, socketPath } from "./local-socket.ts";
import type { Recording } from "./record-exchange.ts";
import type { ImportedRecords, ImportProgress } from "./record-import.ts";
import { type Maintenance, Recorder } from "./recorder.ts";

/** A large history takes minutes. */
const ANSWER_MS = 3_600_000;
/** A recorder that is starting has the lock before it listens, and a command may hold it for a moment. */
const OWNER_MS = 10_000;
const RETRY_MS = 50;

export type OwnerWork = Omit<Recording, "catalog" | "paths">;

/** Commits what a reprojection found. `folder`: the name of its shadow's, in tmp. Throws HypError `lock_held`. */
export async function commitReprojection(
  paths: HomePaths,
  work: OwnerWork,
  folder: string,
): Promise<ShadowCommit> {
  const { result } = await byOwner(paths, work, { op: "commit-shadow", folder }, async (recorder) => {
    await recorder.pass(true);
    return { result: await recorder.commitShadow(shadowPath(paths.tmp, folder)) };
  });
  return result;
}

/** Reads what clients wrote down, from where it was read before, to its end. */
export async function importRecords(
  paths: HomePaths,
  work: OwnerWork,
  wanted: ImportedRecords,
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportProgress> {
  for (;;) {
    const progress = await byOwner<ImportProgress>(
      paths,
      work,
      { op: "import", ...wanted },
      async (recorder) => {
        for (;;) {
          const step = await recorder.importRecords(wanted);
          if (step.is_done) return step;
          onProgress(step);
        }
      },
    );
    if (progress.is_done) return progress;
    onProgress(progress);
  }
}

/** Makes rows hot that have to change, and what else is due. */
export async function maintain(paths: HomePaths, work: OwnerWork): Promise<void> {
  await byOwner(paths, work, { op: "maintain" }, (recorder) => recorder.maintain());
}

/** Seals, merges and compresses all that can be. */
export function compact(paths: HomePaths, work: OwnerWork): Promise<Maintenance> {
  return byOwner(paths, work, { op: "compact" }, async (recorder) => {
    await recorder.pass(true);
    return recorder.compact();
  });
}

async function byOwner<T>(
  paths: HomePaths,
  work: OwnerWork,
  request: JsonObject,
  here: (recorder: Recorder) => Promise<T>,
): Promise<T> {
  ensurePrivateFolder(paths.run);
  const deadline = performance.now() + OWNER_MS;
  let lock = tryLock(paths.recorderLock);
  while (lock === undefined) {
    const reply = await callLocal(socketPath(paths.run, "recorder"), request, ANSWER_MS);
    if (reply !== undefined) return answerOf<T>(reply);
    if (performance.now() > deadline)
      throw new HypError("lock_held", "Another process holds the store and does not answer.");
    await sleep(RETRY_MS);
    lock = tryLock(paths.recorderLock);
  }
  try {
    ensurePrivateFolder(paths.store);
    const catalog = openCatalog(paths.catalog);
    try {
      const recorder = new Recorder({ ...work, catalog, paths });
      try {
        return await here(recorder);
      } finally {
        await recorder.close();
      }
    } finally {
      catalog.close();
    }
  } finally {
    lock.release();
  }
}

function answerOf<T>(reply: JsonObject): T {
  if (typeof reply["error"] === "string")
    throw new HypError("lock_held", `The recorder could not do it: ${reply["error"]}`);
  return reply as unknown as T;
}
