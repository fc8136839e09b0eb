import { inferredId } from "../projection/conversation.ts";
import type { Database } from "./database.ts";
import { Threads } from "./threads.ts";

/**
 * Threads of a replay over a store that has names already. A conversation that the wire does not name gets its old name
 * again when it is still free; one that is new gets a number that neither the replay nor the store has given. Without that,
 * one conversation more or less (a gap, lost history, an exchange that projects now) would rename every later one of its base.
 */
export class ClaimedThreads extends Threads {
  readonly #isStored: (conversationId: string) => boolean;
  /** By base: all numbers below are taken. */
  readonly #next = new Map<string, number>();
  #claims: readonly string[] = [];
  #retryOf: string | null = null;

  constructor(database: Database, isStored: (conversationId: string) => boolean) {
    super(database);
    this.#isStored = isStored;
  }

  /**
   * The conversation that the next exchange has in the store, with those that were joined to it, and the attempt outside of the replay that
   * it repeats there.
   */
  claim(conversationIds: readonly string[], retryOf: string | null): void {
    this.#claims = conversationIds;
    this.#retryOf = retryOf;
  }

  override hasFailedAttempts(scope: string): boolean {
    return this.#retryOf !== null || super.hasFailedAttempts(scope);
  }

  override failedAttempt(scope: string, requestDigest: string): string | undefined {
    return this.#retryOf ?? super.failedAttempt(scope, requestDigest);
  }

  /** One less than the number of the next conversation of this base. */
  override countConversations(base: string): number {
    const free = this.#claims.filter((id) => this.conversation(id) === undefined);
    const claimed = free.map((id) => numberIn(id, base)).find((number) => number !== undefined);
    if (claimed !== undefined) return claimed - 1;
    let n = this.#next.get(base) ?? 1;
    for (let id = inferredId(base, n); this.#isTaken(id); id = inferredId(base, n)) n += 1;
    this.#next.set(base, n);
    return n - 1;
  }

  #isTaken(id: string): boolean {
    return this.#isStored(id) || this.conversation(id) !== undefined;
  }
}

/** The number of the conversation among those of this base; undefined: it has another base. */
function numberIn(id: string, base: string): number | undefined {
  if (id === base) return 1;
  const number = id.startsWith(`${base}:#`) ? Number(id.slice(base.length + 2)) : Number.NaN;
  return Number.isSafeInteger(number) && id === inferredId(base, number) ? number : undefined;
}
