import { answers } from "../projection/match-key.ts";
import { hasNoAnswer } from "./compare-messages.ts";
import type { StoredSession } from "./stored.ts";
import type { ToldSession } from "./told.ts";

/**
 * Exchanges whose answer was whole, and which the client gave up while it came: the record tells no response of theirs, and goes on
 * from above the answer with something that a later exchange carried.
 */
export function givenUp(told: ToldSession, { messages, exchanges }: StoredSession): ReadonlySet<string> {
  const known = new Set(
    told.responses.flatMap(({ responseId, requestId }) =>
      [responseId, requestId].filter((id) => id !== undefined),
    ),
  );
  const byId = new Map(exchanges.map((exchange) => [exchange.exchangeId, exchange]));
  const isTold = (id: string): boolean => told.messages.has(id);
  const toldBelow = Map.groupBy(
    messages.filter(({ messageId }) => isTold(messageId)),
    ({ previous }) => previous?.[0],
  );
  const found = new Set<string>();
  for (const { messageId, exchangeId, role, previous } of messages) {
    const exchange = byId.get(exchangeId ?? "");
    const above = previous?.[0];
    if (exchange === undefined || above === undefined || isTold(messageId) || !answers(role)) continue;
    const { responseId, requestId, conversationId, startedAt } = exchange;
    if (hasNoAnswer(exchange) || known.has(responseId ?? "") || known.has(requestId ?? "") || !isTold(above))
      continue;
    const goesOn = toldBelow.get(above)?.some((other) => {
      const later = byId.get(other.exchangeId ?? "");
      return later?.conversationId === conversationId && later.startedAt > startedAt;
    });
    if (goesOn === true) found.add(exchange.exchangeId);
  }
  return found;
}
