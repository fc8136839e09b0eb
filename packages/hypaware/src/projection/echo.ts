// A client that ends an answer goes on from what had reached it. On the wire its next request has a shorter answer than the one that the
// provider sent: another node beside it. Its record tells which answer that line is of, so both are one message.

import type { RecordNode } from "../contract/record.ts";
import type { ThreadNode } from "../contract/thread.ts";
import { answers, isReasoningKey } from "./match-key.ts";

/** Where nodes and entries are looked up: in the store, or in lists that were read from it. */
export interface EchoLookup {
  /** Below the same predecessor, itself among them. */
  siblings(node: ThreadNode): readonly ThreadNode[];
  entryOf(node: ThreadNode): RecordNode | undefined;
}

/** The entry whose content `node` repeats at the same place, while the entry is another answer's that the provider sent there. */
export function echoedEntry(lookup: EchoLookup, node: ThreadNode): RecordNode | undefined {
  if (!canEcho(node) || lookup.entryOf(node) !== undefined) return undefined;
  for (const sent of beside(lookup, node)) {
    if (!sent.isAnswer || sent.matchKey === node.matchKey) continue;
    const entry = lookup.entryOf(sent);
    if (entry?.link?.bond === "key" && entry.matchKey === node.matchKey) return entry;
  }
  return undefined;
}

/** Nodes that repeat what the client's record has of `sent`. */
export function echoesOf(lookup: EchoLookup, sent: ThreadNode): readonly ThreadNode[] {
  const entry = sent.isAnswer && canEcho({ ...sent, isAnswer: false }) ? lookup.entryOf(sent) : undefined;
  if (entry === undefined || entry.matchKey === sent.matchKey) return [];
  return beside(lookup, sent).filter((node) => echoedEntry(lookup, node)?.id === entry.id);
}

function canEcho({ role, matchKey, isAnswer }: ThreadNode): boolean {
  return !isAnswer && answers(role) && !isReasoningKey(role, matchKey);
}

function beside(lookup: EchoLookup, node: ThreadNode): readonly ThreadNode[] {
  return lookup.siblings(node).filter(({ id }) => id !== node.id);
}
