// Fallback names of messages that came without a native id:
//   <16 hex>                       SHA-256 over `conversation_id:role:canonical JSON(content)`
//   <16 hex>:#<n>                  the n-th message with this content on its path from the root
//   <16 hex>:@<predecessor name>   the same content on another branch
// A name is given once, at first sight, and never computed again: the echo of a message may differ in form.
// Names of predecessors that are themselves of the third form stand as `~<16 hex of their SHA-256>`: otherwise
// a branch of equal messages would grow its names with its length.

import { hash } from "node:crypto";
import type { ContentBlock } from "../contract/projection.ts";
import type { ThreadNode, ThreadStore } from "../contract/thread.ts";
import { canonicalJson } from "../wire/canonical.ts";

const FALLBACK = /^[0-9a-f]{16}(?:$|:[#@])/;

/** 16 hex digits. `blocks`: the content in normal form, a string as one text block. */
export function fallbackName(conversationId: string, role: string, blocks: readonly ContentBlock[]): string {
  return sha256(`${conversationId}:${role}:${canonicalJson(blocks)}`).slice(0, 16);
}

/** The content's hash within a fallback name; undefined for a native id. */
export function contentHash(messageId: string): string | undefined {
  return FALLBACK.test(messageId) ? messageId.slice(0, 16) : undefined;
}

/** Gives names along one request's path. Messages above are counted when a name is found taken: all of them once, if that is not the only one. */
export class Namer {
  readonly #threads: ThreadStore;
  #counted: { tip: number; counts: Map<string, number> } | undefined;
  #hasCounted = false;

  constructor(threads: ThreadStore) {
    this.#threads = threads;
  }

  /** A free name for a message with this hash below `predecessor`. */
  free(hash: string, predecessor: ThreadNode | undefined): string {
    if (this.#isFree(hash)) return hash;
    const above = this.#countAbove(hash, predecessor);
    const numbered = `${hash}:#${above + 1}`;
    if (above > 0 && this.#isFree(numbered)) return numbered;
    const branched = `${hash}:@${predecessor === undefined ? "root" : shortName(predecessor.messageId)}`;
    for (let n = 2, name = branched; ; n++) {
      if (this.#isFree(name)) return name;
      name = `${branched}:#${n}`;
    }
  }

  /** To be told of every new node, so that the count moves with the path instead of being taken again. */
  grew(node: ThreadNode): void {
    const counted = this.#counted;
    if (counted === undefined) return;
    if (counted.tip !== node.predecessor) {
      this.#counted = undefined;
      return;
    }
    counted.tip = node.id;
    countOne(counted.counts, node);
  }

  #isFree(name: string): boolean {
    return this.#threads.named(name) === undefined;
  }

  /** Of one name each message is only compared with it; where more follow, all are counted at once. */
  #countAbove(hash: string, tip: ThreadNode | undefined): number {
    if (this.#hasCounted) return this.#countsTo(tip).get(hash) ?? 0;
    this.#hasCounted = true;
    let count = 0;
    for (let node = tip; node !== undefined; node = this.#threads.node(node.predecessor))
      if (node.messageId.startsWith(hash) && contentHash(node.messageId) === hash) count += 1;
    return count;
  }

  #countsTo(tip: ThreadNode | undefined): Map<string, number> {
    if (tip !== undefined && this.#counted?.tip === tip.id) return this.#counted.counts;
    const counts = new Map<string, number>();
    for (let node = tip; node !== undefined; node = this.#threads.node(node.predecessor))
      countOne(counts, node);
    if (tip !== undefined) this.#counted = { tip: tip.id, counts };
    return counts;
  }
}

function countOne(counts: Map<string, number>, node: ThreadNode): void {
  const hash = contentHash(node.messageId);
  if (hash !== undefined) counts.set(hash, (counts.get(hash) ?? 0) + 1);
}

function shortName(name: string): string {
  return name.includes(":@") ? `~${sha256(name).slice(0, 16)}` : name;
}

function sha256(text: string): string {
  return hash("sha256", text);
}
