import { join } from "node:path";
import type { CapturedExchange } from "../contract/frame.ts";
import { readExchange } from "../journal/assemble.ts";
import { isRunAlive } from "../journal/runs.ts";
import type { ExchangeSpan } from "../store/exchanges.ts";
import { type FollowerOptions, RunFollower } from "./run-follower.ts";

const CALL = /^(.+)#\d+$/;

/**
 * A stored exchange from its frames; of a call on a WebSocket (`<connection>#<n>`) the connection is split again up to that
 * call. `undefined`: its frames are damaged or gone.
 */
export async function readCaptured(
  journalFolder: string,
  id: string,
  { runId, from, to }: ExchangeSpan,
  callsOf: FollowerOptions["callsOf"],
): Promise<CapturedExchange | undefined> {
  const runDir = join(journalFolder, runId);
  const alive = isRunAlive(runDir);
  const connection = CALL.exec(id)?.[1];
  if (connection === undefined) return readExchange(runDir, id, from, to, alive);
  const follower = new RunFollower({
    journalFolder,
    runId,
    cursor: { read: from, low: from, finished: false },
    onDamage: () => {},
    callsOf: (each) => (each.exchangeId === connection ? callsOf(each) : undefined),
  });
  for (const { exchangeId, captured } of follower.ended(alive)) if (exchangeId === id) return captured;
  if (alive) return undefined;
  for (const { exchangeId, captured } of follower.interrupted()) if (exchangeId === id) return captured;
  return undefined;
}
