// Conversations that the wire did not name and a client's record does become one, in the transaction that stores what shows it.

import type { Catalog } from "../store/catalog.ts";
import { decideJoins, type Join } from "../projection/decide-joins.ts";

export interface Joined extends Join {
  /** Names of messages that turned out to be others that were there. */
  readonly gone: readonly string[];
}

/** Those of which something with one of these keys is known. Messages and exchanges have moved; rows are the caller's. */
export function joinByKeys(catalog: Catalog, keys: Iterable<string>): readonly Joined[] {
  const { joins } = catalog.records;
  const sessionOf = (conversationId: string): string | undefined => catalog.records.session(conversationId);
  const done: Joined[] = [];
  for (const key of new Set(keys)) {
    const wire = joins.ofWire(key);
    const told = wire.length === 0 ? [] : joins.ofRecords(key, sessionOf);
    for (const join of decideJoins(wire, told)) {
      // A conversation of this name that the wire itself named is another matter.
      if (catalog.threads.conversation(join.told)?.inferred === false) continue;
      done.push({ ...join, gone: catalog.joinConversation(join.inferred, join.told, sessionOf(join.told)) });
    }
  }
  return done;
}
