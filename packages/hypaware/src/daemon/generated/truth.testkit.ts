import type { Call, Thread, Utterance } from "./conversation.testkit.ts";
import type { Form, FormClient, Grain } from "./form.testkit.ts";

/** A message as it truly is: below the message that it really followed. */
export interface TrueNode {
  readonly conversation: Conversation;
  readonly above: TrueNode | undefined;
  readonly grain: Grain;
  readonly below: Map<string, TrueNode>;
  /** Utterances that it is a piece of, and which. */
  readonly sightings: { readonly serial: number; readonly index: number }[];
}

export interface Conversation {
  /** Undefined: the wire names none. */
  readonly id: string | undefined;
  readonly roots: Map<string, TrueNode>;
}

/** The messages that a client's calls carried, parents before children. */
export function truthOf(calls: readonly Call[], form: Form, client: FormClient): readonly TrueNode[] {
  const truth = new Truth(form, client);
  for (const call of calls) truth.take(call);
  return truth.nodes;
}

interface Walk {
  conversation: Conversation | undefined;
  /** By utterance: where it stands. */
  readonly places: Map<number, readonly TrueNode[]>;
}

class Truth {
  readonly nodes: TrueNode[] = [];
  readonly #form: Form;
  readonly #client: FormClient;
  readonly #walks = new Map<number, Walk>();

  constructor(form: Form, client: FormClient) {
    this.#form = form;
    this.#client = client;
  }

  take({ thread, path, answer }: Call): void {
    const walk = this.#walkOf(thread);
    let at: TrueNode | undefined;
    for (const utterance of answer === undefined ? path : [...path, answer]) {
      const known = walk.places.get(utterance.serial);
      const isRestart = utterance.stands === "summary" && !this.#form.isSummaryInLine;
      const nodes = known ?? this.#place(walk, thread, isRestart ? undefined : at, utterance);
      walk.places.set(utterance.serial, nodes);
      at = nodes.at(-1);
    }
  }

  #walkOf({ index, kind, from }: Thread): Walk {
    const known = this.#walks.get(index);
    if (known !== undefined) return known;
    const copied = kind === "fork" && this.#form.sharesCopies ? this.#walks.get(from!.index) : undefined;
    const walk = { conversation: undefined, places: new Map(copied?.places) };
    this.#walks.set(index, walk);
    return walk;
  }

  #place(walk: Walk, thread: Thread, above: TrueNode | undefined, utterance: Utterance): readonly TrueNode[] {
    let at = above;
    return this.#form.grains(utterance).map((grain, index) => {
      at = this.#next(walk, thread, at, grain);
      at.sightings.push({ serial: utterance.serial, index });
      return at;
    });
  }

  #next(walk: Walk, thread: Thread, above: TrueNode | undefined, grain: Grain): TrueNode {
    const conversation = this.#conversationOf(walk, thread, above);
    const siblings = above?.below ?? conversation.roots;
    const known = siblings.get(grain.key);
    if (known !== undefined) return known;
    const node = { conversation, above, grain, below: new Map(), sightings: [] };
    siblings.set(grain.key, node);
    this.nodes.push(node);
    return node;
  }

  /** A request without a name and without a past begins a conversation. */
  #conversationOf(walk: Walk, thread: Thread, above: TrueNode | undefined): Conversation {
    if (above !== undefined && !this.#form.isNamed) return above.conversation;
    if (walk.conversation === undefined || !this.#form.isNamed)
      walk.conversation = { id: this.#client.conversation(thread), roots: new Map() };
    return walk.conversation;
  }
}
