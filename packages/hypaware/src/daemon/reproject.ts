import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import { openCatalog } from "../store/catalog.ts";
import { callLocal, socketPath } from "./local-socket.ts";
import type { Recording } from "./record-exchange.ts";
import { type Reprojected, Recorder } from "./recorder.ts";

/** A large history takes minutes. */
const REPROJECT_MS = 3_600_000;

/** Builds all rows again from the journals: by the running recorder, or here where none runs. */
export async function reproject(
  paths: HomePaths,
  recording: Omit<Recording, "catalog" | "journalFolder">,
  onProgress: (exchanges: number) => void,
): Promise<Reprojected> {
  ensurePrivateFolder(paths.run);
  const lock = tryLock(paths.recorderLock);
  if (lock === undefined) return askRecorder(paths);
  try {
    ensurePrivateFolder(paths.store);
    const catalog = openCatalog(paths.catalog);
    try {
      const recorder = new Recorder({ ...recording, catalog, journalFolder: paths.journal });
      await recorder.pass(true);
      return await recorder.reproject(onProgress);
    } finally {
      catalog.close();
    }
  } finally {
    lock.release();
  }
}

async function askRecorder(paths: HomePaths): Promise<Reprojected> {
  const reply = await callLocal(socketPath(paths.run, "recorder"), { op: "reproject" }, REPROJECT_MS);
  if (reply === undefined)
    throw new HypError("lock_held", "Another process holds the store and does not answer.");
  if (typeof reply["error"] === "string")
    throw new HypError("lock_held", `The recorder could not reproject: ${reply["error"]}`);
  return reply as unknown as Reprojected;
}
