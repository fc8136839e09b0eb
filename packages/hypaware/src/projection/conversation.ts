// Which conversation an exchange belongs to when the wire does not say (programs that use a provider's library). The
// projector then gives only a hash of the first message, the base. A request continues a stored conversation when it
// repeats an attempt that failed there, or when its list holds an answer that was given there. Everything else begins a
// new one: `<base>`, `<base>:#2`, `<base>:#3`: a thousand runs of one prompt are a thousand conversations.

import type { ThreadConversation, ThreadNode, ThreadStore } from "../contract/thread.ts";
import type { Entry } from "./entry.ts";
import { isReasoningKey } from "./match-key.ts";

/** Candidates are read newest first: a few for the common case, all of them when each already went on. */
const PAGES = [32, 4_096] as const;
/** Failed attempts of one base that are compared. */
const FAILED_PAGE = 256;

/** The conversation that this request goes on with; undefined when it begins a new one. */
export function findInferred(
  threads: ThreadStore,
  base: string,
  history: readonly Entry[],
): ThreadConversation | undefined {
  const said = history.filter((entry) => !entry.reasoning);
  const id =
    byNativeId(threads, history) ??
    byFailedAttempt(threads, base, said) ??
    byAnswer(threads, said)?.conversationId;
  return id === undefined ? undefined : threads.conversation(id);
}

/** The id of the next conversation of this base. */
export function nextInferredId(threads: ThreadStore, base: string): string {
  for (let n = threads.countConversations(base) + 1; ; n++) {
    const id = inferredId(base, n);
    if (threads.conversation(id) === undefined) return id;
  }
}

/** The n-th conversation of this base. */
export const inferredId = (base: string, n: number): string => (n === 1 ? base : `${base}:#${n}`);

function byNativeId(threads: ThreadStore, history: readonly Entry[]): string | undefined {
  for (const entry of history.toReversed()) {
    const node = entry.nativeId === undefined ? undefined : threads.named(entry.nativeId);
    if (node !== undefined && threads.conversation(node.conversationId)?.inferred === true)
      return node.conversationId;
  }
  return undefined;
}

function byFailedAttempt(threads: ThreadStore, base: string, said: readonly Entry[]): string | undefined {
  return threads.failedConversations(base, FAILED_PAGE).find(({ failedLeaf }) => {
    const leaf = failedLeaf === null ? undefined : threads.node(failedLeaf);
    return leaf !== undefined && agreement(threads, leaf, said, said.length - 1).whole;
  })?.id;
}

/** The stored answer that the list goes on from: the last one whose whole past agrees, else the one with the longest. */
function byAnswer(threads: ThreadStore, said: readonly Entry[]): ThreadNode | undefined {
  let partial: (Part & { readonly node: ThreadNode }) | undefined;
  for (let index = said.length - 1; index >= 0; index--) {
    const entry = said[index]!;
    if (!entry.answer) continue;
    let continued: ThreadNode | undefined;
    for (const page of PAGES) {
      const candidates = threads.inferredAnswers(entry.key, page);
      for (const node of candidates) {
        const open = !threads.hasChildren(node.id);
        // One that went on already is only worth comparing until one is found.
        if (!open && continued !== undefined) continue;
        const { whole, length } = agreement(threads, node, said, index);
        if (whole && open) return node;
        if (whole) continued ??= node;
        // An equal answer alone proves nothing ("Done."); an equal question before it does.
        else if (length > 1 && (partial === undefined || betterPart({ length, open }, partial))) {
          partial = { node, length, open };
        }
      }
      if (candidates.length < page) break;
    }
    if (continued !== undefined) return continued;
  }
  return partial?.node;
}

interface Part {
  readonly length: number;
  /** Nothing was said after it yet. */
  readonly open: boolean;
}

function betterPart(a: Part, b: Part): boolean {
  return a.length === b.length ? a.open && !b.open : a.length > b.length;
}

/**
 * Compares the way from `node` up to its root with the list from `index` down to 0. `whole`: both end together.
 * `length`: how many entries agree before the first difference. Stored reasoning is passed over.
 */
function agreement(
  threads: ThreadStore,
  node: ThreadNode,
  said: readonly Entry[],
  index: number,
): { whole: boolean; length: number } {
  let at: ThreadNode | undefined = node;
  let length = 0;
  while (at !== undefined) {
    if (!isReasoningKey(at.role, at.matchKey)) {
      const entry = said[index - length];
      if (entry === undefined || entry.key !== at.matchKey) return { whole: false, length };
      length += 1;
    }
    at = threads.node(at.predecessor);
  }
  return { whole: length === index + 1, length };
}
