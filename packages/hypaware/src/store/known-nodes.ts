import type { ThreadNode } from "../contract/thread.ts";

/** Of one conversation, what follows each node: nearly always one, else by their keys. */
type ByPredecessor = Map<number, ThreadNode | Map<string, ThreadNode>>;

/**
 * The nodes of the conversations that grow, so that walking a history that was walked before reads nothing. Only nodes that are there:
 * what is known of a node stays true until a rollback, or until a reprojection swaps nodes.
 */
export class KnownNodes {
  readonly #maxNodes: number;
  /** The conversation that grew last comes last. */
  readonly #conversations = new Map<string, ByPredecessor>();
  readonly #byId = new Map<number, ThreadNode>();
  /** Nodes that were made here and that nothing was added to: where a conversation goes on there is nothing to be read. */
  readonly #leaves = new Set<number>();
  #latest = "";

  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
  }

  child(conversationId: string, predecessor: number, matchKey: string): ThreadNode | undefined {
    const below = this.#conversations.get(conversationId)?.get(predecessor);
    if (below instanceof Map) return below.get(matchKey);
    return below?.matchKey === matchKey ? below : undefined;
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
    const nodes = this.#use(node.conversationId);
    const below = nodes.get(node.predecessor);
    if (below instanceof Map) below.set(node.matchKey, node);
    else if (below === undefined || below.matchKey === node.matchKey) nodes.set(node.predecessor, node);
    else nodes.set(node.predecessor, new Map([below, node].map((each) => [each.matchKey, each])));
    this.#byId.set(node.id, node);
    for (const [conversationId, nodes] of this.#conversations) {
      if (this.#byId.size <= this.#maxNodes) break;
      this.#conversations.delete(conversationId);
      for (const below of nodes.values())
        for (const { id } of below instanceof Map ? below.values() : [below]) {
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

  #use(conversationId: string): ByPredecessor {
    const nodes = this.#conversations.get(conversationId) ?? (new Map() as ByPredecessor);
    if (conversationId === this.#latest && this.#conversations.has(conversationId)) return nodes;
    this.#conversations.delete(conversationId);
    this.#conversations.set(conversationId, nodes);
    this.#latest = conversationId;
    return nodes;
  }
}
