import type { ThreadNode } from "../contract/thread.ts";

/** Of one conversation. */
type ByPlace = Map<string, ThreadNode>;

/**
 * The nodes of the conversations that grow, so that walking a history that was walked before reads nothing. Only nodes that are there:
 * a node never moves and never goes but with all others, so what is known of it stays true until a rollback.
 */
export class KnownNodes {
  readonly #maxNodes: number;
  /** The conversation that grew last comes last. */
  readonly #conversations = new Map<string, ByPlace>();
  readonly #byId = new Map<number, ThreadNode>();
  /** Nodes that were made here and that nothing was added to: where a conversation goes on there is nothing to be read. */
  readonly #leaves = new Set<number>();
  #latest = "";

  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
  }

  child(conversationId: string, predecessor: number, matchKey: string): ThreadNode | undefined {
    return this.#conversations.get(conversationId)?.get(placeOf(predecessor, matchKey));
  }

  node(id: number): ThreadNode | undefined {
    return this.#byId.get(id);
  }

  /** True: it certainly has no child. */
  isLeaf(id: number): boolean {
    return this.#leaves.has(id);
  }

  /** A node that was just made. */
  grow(node: ThreadNode): ThreadNode {
    this.#leaves.delete(node.predecessor);
    this.#leaves.add(node.id);
    return this.add(node);
  }

  /** A node as the store has it. */
  add(node: ThreadNode): ThreadNode {
    this.#use(node.conversationId).set(placeOf(node.predecessor, node.matchKey), node);
    this.#byId.set(node.id, node);
    for (const [conversationId, nodes] of this.#conversations) {
      if (this.#byId.size <= this.#maxNodes) break;
      this.#conversations.delete(conversationId);
      for (const { id } of nodes.values()) {
        this.#byId.delete(id);
        this.#leaves.delete(id);
      }
    }
    return node;
  }

  clear(): void {
    this.#conversations.clear();
    this.#byId.clear();
    this.#leaves.clear();
    this.#latest = "";
  }

  #use(conversationId: string): ByPlace {
    const nodes = this.#conversations.get(conversationId) ?? new Map<string, ThreadNode>();
    if (conversationId === this.#latest && this.#conversations.has(conversationId)) return nodes;
    this.#conversations.delete(conversationId);
    this.#conversations.set(conversationId, nodes);
    this.#latest = conversationId;
    return nodes;
  }
}

const placeOf = (predecessor: number, matchKey: string): string => `${predecessor} ${matchKey}`;
