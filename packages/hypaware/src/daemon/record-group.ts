// Ended exchanges are stored in groups, so that a busy recorder pays for a transaction once and not for each of them. Reading and
// projecting may wait and write nothing; then the whole group is stored at once, in one synchronous transaction into which
// nobody else's writes can fall. An exchange that comes alone does not wait for others.
//
// Before anything is projected the attempt is noted durably, for the group as a whole. What finds such a note of an earlier
// process works on that exchange alone and counts its tries: so a crash or a hang is narrowed down to the exchange that
// caused it, which is set aside, and those that were only in its company are projected.

import type { ExchangeRow } from "../contract/dataset.ts";
import { LIMITS } from "../contract/limits.ts";
import type { RunCursor } from "../store/cursors.ts";
import {
  announceExchange,
  isStoreFailure,
  passOver,
  prepareExchange,
  type PreparedExchange,
  putExchange,
  readerOf,
  type Recording,
  storeExchange,
} from "./record-exchange.ts";
import type { EndedExchange } from "./run-follower.ts";

export interface WaitingExchange {
  readonly ended: EndedExchange;
  /** Behind it: to be stored together with it. */
  readonly cursor: RunCursor;
}

interface Ready extends WaitingExchange {
  /** Undefined: nothing can be said about it. */
  readonly prepared: PreparedExchange | undefined;
}

/**
 * Stores the first ones of a group, all of one run and in its order, and resolves with how many. Rejects when the first one
 * cannot be read or the store not be written: nothing is lost, read again from the stored cursor.
 */
export async function recordGroup(
  recording: Recording,
  group: readonly WaitingExchange[],
  onStored: (exchange: ExchangeRow) => void,
): Promise<number> {
  const { catalog } = recording;
  const ids = group.map(({ ended }) => ended.exchangeId);
  const [only] = ids.length === 1 ? ids : [];
  let isQuarantined = false;
  if (only === undefined) catalog.noteAttempts(ids);
  else isQuarantined = catalog.beginAttempt(only) > LIMITS.quarantineTries;
  try {
    const ready = await prepareGroup(recording, group, isQuarantined);
    for (const exchange of storeGroup(recording, ready)) {
      announceExchange(recording, exchange);
      onStored(exchange);
    }
    return ready.length;
  } catch (error) {
    // A throw is an answer, too: only a crash or a hang leaves the attempt noted.
    catalog.endAttempts(ids);
    throw error;
  }
}

async function prepareGroup(
  recording: Recording,
  group: readonly WaitingExchange[],
  isQuarantined: boolean,
): Promise<readonly Ready[]> {
  const ready: Ready[] = [];
  const until = performance.now() + LIMITS.groupMs;
  let bytes = 0;
  const reader = readerOf(recording, group[0]!.ended);
  try {
    for (const { ended, cursor } of group) {
      const prepared = await prepareExchange(recording, reader, ended, isQuarantined);
      ready.push({ ended, cursor, prepared });
      const { request_bytes: asked, response_bytes: said } = prepared?.record ?? {};
      bytes += (asked ?? 0) + (said ?? 0);
      if (bytes >= LIMITS.groupBytes || performance.now() >= until) break;
    }
  } catch (error) {
    // Those before it are whole.
    if (ready.length === 0) throw error;
  } finally {
    reader.close();
  }
  return ready;
}

function storeGroup(recording: Recording, ready: readonly Ready[]): readonly ExchangeRow[] {
  const { catalog } = recording;
  if (ready.length > 1) {
    try {
      return catalog.transaction(() => {
        const { ended, cursor } = ready.at(-1)!;
        catalog.setCursor(ended.runId, cursor);
        catalog.endAttempts(ready.map((each) => each.ended.exchangeId));
        return ready.flatMap(({ prepared }) =>
          prepared === undefined ? [] : putExchange(recording, prepared),
        );
      });
    } catch (error) {
      if (isStoreFailure(error)) throw error;
      // One of them breaks our own code; each by itself shows which.
    }
  }
  return ready.flatMap(({ ended, cursor, prepared }) => {
    if (prepared !== undefined) return storeExchange(recording, prepared, cursor);
    passOver(recording, ended, cursor);
    return [];
  });
}
