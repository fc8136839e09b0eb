// The attempts that a client notes before it sends them, and the exchanges that carried them.

import { isSideCall } from "./compare-messages.ts";
import type { StoredExchange } from "./stored.ts";
import type { ToldAttempt, ToldSession } from "./told.ts";

/**
 * By attempt, the exchange that carried it. `answered`: of those whose answer the record tells; `others`: exchanges that are none of these,
 * in the order in which they began.
 */
export function carriedAttempts(
  { attempts }: ToldSession,
  answered: ReadonlyMap<string, string>,
  others: readonly StoredExchange[],
): ReadonlyMap<string, string> {
  const carried = new Map(answered);
  const left = new Set(others.filter(({ requestClass }) => !isSideCall(requestClass)));
  const pair = (isSame: (attempt: ToldAttempt, exchange: StoredExchange) => boolean): void => {
    for (const attempt of attempts) {
      if (carried.has(attempt.attemptId)) continue;
      const found = [...left].find(
        (exchange) => exchange.conversationId === attempt.conversationId && isSame(attempt, exchange),
      );
      if (found === undefined) continue;
      left.delete(found);
      carried.set(attempt.attemptId, found.exchangeId);
    }
  };
  pair(({ failure }, { requestId }) => requestId !== null && failure?.request_id === requestId);
  // Attempts with equal requests stand for each other, in their order.
  pair(({ digest }, { requestDigest }) => requestDigest !== null && digest === requestDigest);
  // Of what has no digest, as an answer that the client gave up, the order alone tells. What reached nobody is in no exchange.
  pair((attempt) => attempt.failure === undefined || wasHeard(attempt));
  return carried;
}

/**
 * Attempts that the gateway must have seen and no exchange carried. A process of the client keeps to one address, unless it is attached or
 * detached while it runs: what was sent between two attempts that were carried came by, and so did what was sent again until it was.
 */
export function lostAttempts(
  { attempts, responses }: ToldSession,
  carried: ReadonlyMap<string, string>,
): ReadonlySet<string> {
  const isAnswered = new Set(responses.map(({ attemptId }) => attemptId));
  const lost = new Set<string>();
  for (const run of runsOf(attempts)) {
    const isCarried = (each: ToldAttempt): boolean => carried.has(each.attemptId);
    const [first, last] = [run.findIndex(isCarried), run.findLastIndex(isCarried)];
    if (first === -1) continue;
    for (const [index, attempt] of run.entries()) {
      const { attemptId, failure } = attempt;
      const goesOn = index < run.length - 1;
      // It tried again at once, with less: the answer was an error that it does not write down.
      const heard = isAnswered.has(attemptId) || wasHeard(attempt) || (failure === undefined && goesOn);
      if (isCarried(attempt) || !heard) continue;
      const isBetween = first < index && index < last;
      if (isBetween || callAround(run, index, isAnswered).some(isCarried)) lost.add(attemptId);
    }
  }
  return lost;
}

function wasHeard({ failure }: ToldAttempt): boolean {
  return failure?.status_code !== undefined;
}

/** Attempts that follow each other. */
function runsOf(attempts: readonly ToldAttempt[]): readonly (readonly ToldAttempt[])[] {
  const runs = new Map<string, ToldAttempt[]>();
  for (const attempt of attempts) {
    const run = runs.get(attempt.follows ?? "") ?? [];
    run.push(attempt);
    runs.delete(attempt.follows ?? "");
    runs.set(attempt.attemptId, run);
  }
  return [...runs.values()];
}

/** The attempts at the same call: all until one is answered. */
function callAround(
  run: readonly ToldAttempt[],
  index: number,
  isAnswered: ReadonlySet<string | undefined>,
): readonly ToldAttempt[] {
  const before = run.slice(0, index).findLastIndex(({ attemptId }) => isAnswered.has(attemptId));
  const end = run.slice(index).findIndex(({ attemptId }) => isAnswered.has(attemptId));
  return run.slice(before + 1, end === -1 ? run.length : index + end + 1);
}
