// Alignment: a request's list against the stored thread of its conversation. Each message is stored once, and two equal
// messages at different places stay two.
//
// The list walks the tree from the root by (predecessor, key). Where it leaves the tree there are three readings:
//   1. a later answer of the list is stored further down: the client edited its past (resync.ts); nothing new up to there
//   2. an entry marked as a compaction summary: a new root; what the client kept after it is found where it was stored
//   3. neither: the rest is new, a branch below the last entry that was recognised
// The response's messages are then appended below the last entry of the request. A request that does not repeat its past but
// names the response that it goes on from is walked from that response's end.
//
// Reasoning is a weak witness: clients drop it, blank it, or send it back. The walk passes over it on either side, and it
// never anchors anything.

import type { ThreadNode, ThreadStore } from "../contract/thread.ts";
import { ROOT } from "../contract/thread.ts";
import { hash } from "node:crypto";
import type { Entries, Entry } from "./entry.ts";
import { Namer, contentHash, fallbackName } from "./name.ts";
import { answers, isReasoningKey, reasoningKey } from "./match-key.ts";
import { callIds } from "./part.ts";
import { type Anchor, Resync } from "./resync.ts";

/** A message that was not stored before, where it stands now. */
export interface Placement {
  readonly entry: Entry;
  readonly node: ThreadNode;
  readonly predecessor: ThreadNode | undefined;
  readonly isAnswer: boolean;
}

export interface Alignment {
  /** New messages in the order of the list. */
  readonly fresh: readonly Placement[];
  /** Last entry of the request, where a repeat of it would end. */
  readonly leaf: ThreadNode | undefined;
  /** Last message of all, the response's included. */
  readonly end: ThreadNode | undefined;
  /** Entries of the request that are an edited past: they have no row. */
  readonly edits: number;
}

/** Where the response ended that a request goes on from. `isCertain`: what it lists is not the beginning, whatever it looks like. */
export interface Previous {
  readonly node: ThreadNode;
  readonly isCertain: boolean;
}

/** Adds what is new to `threads`. The conversation must exist there. */
export function align(
  threads: ThreadStore,
  conversationId: string,
  entries: Entries,
  previous?: Previous,
): Alignment {
  const walker = new Walker(threads, conversationId, entries.history);
  walker.walk(previous);
  const leaf = walker.at;
  for (const entry of entries.answer) walker.append(entry);
  return { fresh: walker.fresh, leaf, end: walker.at, edits: walker.edits };
}

/** Reasoning blocks that may stand between two messages of a thread and be dropped by the client. */
const REASONING_RUN = 8;

class Walker {
  readonly #threads: ThreadStore;
  readonly #conversationId: string;
  readonly #namedAfter: string;
  readonly #history: readonly Entry[];
  readonly #namer: Namer;
  readonly #resync: Resync;
  readonly fresh: Placement[] = [];
  edits = 0;
  at: ThreadNode | undefined;
  /** The last answer or summary, and its place in the list. */
  #floor: ThreadNode | undefined;
  #floorAt = -1;
  #keptBefore: number | undefined;
  #copied: number | undefined;
  #above: Set<number> | undefined;

  constructor(threads: ThreadStore, conversationId: string, history: readonly Entry[]) {
    this.#threads = threads;
    this.#conversationId = conversationId;
    this.#namedAfter = threads.conversation(conversationId)?.namedAfter ?? conversationId;
    this.#history = history;
    this.#namer = new Namer(threads);
    this.#resync = new Resync(threads, conversationId, history);
  }

  walk(previous?: Previous): void {
    if (previous !== undefined && !this.#hasPast(previous)) this.#stand(previous.node);
    let index = 0;
    while (index < this.#history.length) {
      const floor = this.#floor;
      const entry = this.#history[index]!;
      if (entry.nativeId !== undefined) {
        this.#stand(this.#pin(entry, entry.nativeId, index));
        index += 1;
      } else if (entry.summary) {
        this.#summary(entry);
        index += 1;
      } else {
        index = this.#advance(entry, index);
      }
      if (this.#floor !== floor) this.#floorAt = index - 1;
    }
  }

  /** A list that begins as the thread does has its past in it, unless the request says that it has not. */
  #hasPast({ isCertain }: Previous): boolean {
    const [first] = this.#history;
    return !isCertain && first !== undefined && this.#step(first) !== undefined;
  }

  /** One message of the response, below where the walk stands. */
  append(entry: Entry): void {
    if (entry.nativeId !== undefined) {
      this.#stand(this.#pin(entry, entry.nativeId));
      return;
    }
    const child = this.#child(this.at, entry.key);
    const known =
      child !== undefined && this.#isOtherSample(child, entry) ? this.#child(this.at, entry.exact) : child;
    if (known === undefined) {
      this.#grow(entry, true, child === undefined ? entry.key : (entry.exact ?? entry.key));
      return;
    }
    if (!known.isAnswer) this.#threads.markAnswer(known.id);
    this.#stand(known);
  }

  /** Handles the entry at `index`, or the edited stretch that begins there; the next index to look at. */
  #advance(entry: Entry, index: number): number {
    const next = this.#step(entry);
    if (next !== undefined) {
      if (entry.reasoning) this.at = next;
      else this.#stand(next);
      return index + 1;
    }
    if (entry.reasoning && this.#passesOver(index)) return index + 1;

    const limit = this.#segmentEnd(index);
    const anchor = this.#anchor(index, limit);
    if (anchor !== undefined) {
      this.edits += anchor.edits;
      this.#stand(anchor.node);
      return anchor.index + 1;
    }
    const changed = this.#changedCall(entry);
    if (changed !== undefined) {
      this.edits += 1;
      this.#stand(changed);
      return index + 1;
    }
    if (this.#isStored(limit)) this.edits += limit - index;
    else for (const each of this.#history.slice(index, limit)) this.#grow(each, false, each.key);
    return limit;
  }

  /** The answer here whose calls this entry repeats under their ids: a client may send another name or other arguments back. */
  #changedCall(entry: Entry): ThreadNode | undefined {
    const calls = entry.answer ? callIds(entry.message.blocks) : [];
    const isKnown = (id: string): boolean => this.#threads.toolName(this.#conversationId, id) !== undefined;
    if (calls.length === 0 || !calls.every(isKnown)) return undefined;
    const reasoning = reasoningKey(entry.message.role);
    let at = this.at;
    for (let passed = 0; passed <= REASONING_RUN; passed++) {
      const below = this.#threads.children(this.#conversationId, at?.id ?? ROOT);
      const said = below.filter((node) => node.isAnswer && !isReasoningKey(node.role, node.matchKey));
      if (said.length > 0) return said.length === 1 ? said[0] : undefined;
      at = this.#child(at, reasoning);
      if (at === undefined) return undefined;
    }
    return undefined;
  }

  /**
   * Where the thread is found again at or after `index`. What people say repeats too easily: what stood below the last answer until
   * here may as well be another branch, and is compared again.
   */
  #anchor(index: number, limit: number): Anchor | undefined {
    const found = this.#resync.find(this.#floorAt + 1, limit, { below: this.#floor, keptBefore: undefined });
    // Behind a summary stands what was kept of the time before it, unless all of it was said after it.
    if (this.#keptBefore === undefined || found?.edits === 0) return found;
    return this.#resync.find(index, limit, { below: undefined, keptBefore: this.#keptBefore }) ?? found;
  }

  /** Whether the entry at `index` has a native name that this conversation knows: what was unknown before it is an edited past. */
  #isStored(index: number): boolean {
    const id = this.#history[index]?.nativeId;
    return id !== undefined && this.#threads.named(id)?.conversationId === this.#conversationId;
  }

  /**
   * Whether the entry at `index` belongs to what the list copies from another conversation, as a fork's does. A copy holds an
   * answer: a fixed prompt may have the same id in many conversations.
   */
  #isCopied(index: number): boolean {
    const isForeign = (entry: Entry): boolean => {
      const holder = entry.nativeId === undefined ? undefined : this.#threads.named(entry.nativeId);
      return holder?.isAnswer === true && holder.conversationId !== this.#conversationId;
    };
    this.#copied ??= this.#history.findLastIndex(isForeign);
    return index <= this.#copied;
  }

  /** What a fork goes on below: it stays the same message whatever else the fork's list leaves out, and however it is edited there. */
  #inherited(): ReadonlySet<number> {
    if (this.#above === undefined) {
      this.#above = new Set();
      let at = this.#threads.origin(this.#conversationId);
      for (; at !== undefined; at = this.#threads.node(at.predecessor)) this.#above.add(at.id);
    }
    return this.#above;
  }

  #step(entry: Entry): ThreadNode | undefined {
    if (entry.reasoning) return this.#child(this.at, entry.exact) ?? this.#child(this.at, entry.key);
    const reasoning = reasoningKey(answers(entry.message.role) ? entry.message.role : "assistant");
    let at = this.at;
    for (let passed = 0; passed <= REASONING_RUN; passed++) {
      const child = this.#child(at, entry.key);
      if (child !== undefined) return child;
      at = this.#child(at, reasoning);
      if (at === undefined) return undefined;
    }
    return undefined;
  }

  /** Reasoning in the list that the thread does not have, with the thread going on right behind it. */
  #passesOver(index: number): boolean {
    const next = this.#history.slice(index, this.#segmentEnd(index)).find((entry) => !entry.reasoning);
    return next !== undefined && this.#step(next) !== undefined;
  }

  /** The next entry whose place does not follow from its neighbours. */
  #segmentEnd(from: number): number {
    const end = this.#history.findIndex(
      (entry, index) => index >= from && (entry.summary || entry.nativeId !== undefined),
    );
    return end === -1 ? this.#history.length : end;
  }

  #summary(entry: Entry): void {
    this.at = undefined;
    const node = this.#child(undefined, entry.key) ?? this.#grow(entry, false, entry.key);
    this.#stand(node);
    this.#floor = node;
    this.#keptBefore = node.id;
  }

  /**
   * A message with a native id stands where its id says, whatever its neighbours are. `index`: its place in the request; undefined
   * for an answer.
   */
  #pin(entry: Entry, id: string, index?: number): ThreadNode {
    const isAnswer = index === undefined;
    const ownName = `${id}:@${this.#conversationId}`;
    const holder = this.#threads.named(id);
    const isForeign = holder !== undefined && holder.conversationId !== this.#conversationId;
    const own = isForeign ? this.#threads.named(ownName) : holder;
    const isSame = (node: ThreadNode): boolean =>
      node.matchKey === entry.key || node.matchKey === keyOfTwin(entry.key, id);
    const isCopy = (): boolean =>
      isForeign &&
      ((isSame(holder) && (isAnswer || this.#isCopied(index))) || this.#inherited().has(holder.id));
    const known = own ?? (isCopy() ? holder : undefined);
    if (known !== undefined) {
      if (isAnswer && !known.isAnswer) this.#threads.markAnswer(known.id);
      return known;
    }
    const [parentId] = entry.message.previous_message_id ?? [];
    if (parentId !== undefined) this.at = this.#threads.named(parentId) ?? this.at;
    else if (entry.message.previous_message_id !== undefined) this.at = undefined;
    const taken = this.#child(this.at, entry.key) !== undefined;
    return this.#add(
      entry,
      isAnswer,
      taken ? keyOfTwin(entry.key, id) : entry.key,
      holder === undefined ? id : ownName,
    );
  }

  #grow(entry: Entry, isAnswer: boolean, key: string): ThreadNode {
    const { role, blocks } = entry.message;
    const hash = fallbackName(this.#namedAfter, role, blocks);
    return this.#add(entry, isAnswer, key, this.#namer.free(hash, this.at));
  }

  #add(entry: Entry, isAnswer: boolean, matchKey: string, messageId: string): ThreadNode {
    const predecessor = this.at;
    const node = this.#threads.add({
      conversationId: this.#conversationId,
      predecessor: predecessor?.id ?? ROOT,
      matchKey,
      messageId,
      role: entry.message.role,
      depth: predecessor === undefined ? 0 : predecessor.depth + 1,
      isAnswer,
    });
    this.#namer.grew(node);
    this.fresh.push({ entry, node, predecessor, isAnswer });
    this.#stand(node);
    return node;
  }

  #stand(node: ThreadNode): void {
    this.at = node;
    if (answers(node.role)) this.#floor = node;
    this.#keptBefore = undefined;
  }

  #child(at: ThreadNode | undefined, key: string | undefined): ThreadNode | undefined {
    return key === undefined ? undefined : this.#threads.child(this.#conversationId, at?.id ?? ROOT, key);
  }

  /** Whether the stored reasoning is another than this one: the same turn was sampled again. */
  #isOtherSample(known: ThreadNode, entry: Entry): boolean {
    if (!entry.reasoning) return false;
    const hash = contentHash(known.messageId);
    // Behind a native name the content is not known; but no answer comes twice.
    if (hash === undefined) return known.isAnswer;
    return hash !== fallbackName(this.#namedAfter, entry.message.role, entry.message.blocks);
  }
}

/** The place of a second message with the same content under the same predecessor, told apart by its native id alone. */
function keyOfTwin(key: string, id: string): string {
  return hash("sha256", `${key}:${id}`).slice(0, 32);
}
