import type { Usage } from "../contract/projection.ts";
import { hasNoAnswer, isSideCall } from "./compare-messages.ts";
import type { Findings } from "./difference.ts";
import {
  type StoredExchange,
  type StoredMessage,
  type StoredSession,
  TOKEN_COLUMNS,
  type UsageCounts,
} from "./stored.ts";
import type { ToldResponse, ToldSession } from "./told.ts";

/** Each response that the record tells is one exchange with the same tokens, or one message's usage where no exchange carried it. */
export function compareResponses(
  told: ToldSession,
  stored: StoredSession,
  givenUp: ReadonlySet<string>,
  findings: Findings,
): void {
  const byId = Map.groupBy(stored.messages, ({ messageId }) => messageId);
  const explained = new Set<string>();
  for (const response of told.responses) {
    const messages = response.messageIds.flatMap((id) => byId.get(id) ?? []);
    const found = stored.exchanges.filter((exchange) => isOf(exchange, response, messages));
    for (const { exchangeId } of found) explained.add(exchangeId);
    compareOne(response, found, messages, findings);
  }
  for (const exchange of stored.exchanges)
    if (givenUp.has(exchange.exchangeId)) findings.natural("no_answer");
    else if (!explained.has(exchange.exchangeId)) explain(exchange, told, findings);
}

function isOf(exchange: StoredExchange, response: ToldResponse, messages: readonly StoredMessage[]): boolean {
  return (
    (response.responseId !== undefined && exchange.responseId === response.responseId) ||
    (response.requestId !== undefined && exchange.requestId === response.requestId) ||
    messages.some(({ exchangeId }) => exchangeId === exchange.exchangeId)
  );
}

function compareOne(
  response: ToldResponse,
  found: readonly StoredExchange[],
  messages: readonly StoredMessage[],
  findings: Findings,
): void {
  const about = {
    subject: "response",
    id: response.responseId ?? response.requestId ?? response.messageIds[0] ?? "",
    conversation_id: response.conversationId,
    place: response.place,
  } as const;
  const isCarried = messages.some(({ exchangeId }) => exchangeId !== null);
  const usages = messages.flatMap(({ usages: each }) => each);
  const [exchange] = found;
  if (exchange === undefined && isCarried) {
    findings.add({
      class: "missing",
      ...about,
      message: "has messages that an exchange carried, and no exchange",
    });
    return;
  }
  if (found.length > 1)
    findings.add({ class: "doubled", ...about, message: `is that of ${found.length} exchanges` });
  if (exchange === undefined) findings.natural("not_carried");
  const isGuess = response.isEstimate || (exchange !== undefined && hasNoAnswer(exchange));
  const differs = (name: string, expected: number, actual: number | null, where: string): void => {
    if (actual === expected) return;
    if (isGuess) findings.natural("estimate");
    else
      findings.add({
        class: "differs",
        ...about,
        column: name,
        told: expected,
        stored: actual,
        message: `${name} of the ${where} is ${actual ?? "empty"}, not ${expected}`,
      });
  };
  for (const name of TOKEN_COLUMNS) {
    const expected = response.usage[name];
    if (expected === undefined) continue;
    if (exchange !== undefined) differs(name, expected, exchange.tokens[name], "exchange");
  }
  if (exchange !== undefined)
    for (const [column, told, stored] of [
      ["model", response.model, exchange.model],
      ["conversation_id", response.conversationId, exchange.conversationId],
      ["response_id", response.responseId, exchange.responseId],
      ["request_id", response.requestId, exchange.requestId],
    ] as const)
      if (told !== undefined && told !== stored)
        findings.add({
          class: "differs",
          ...about,
          column,
          told,
          stored,
          message: `${column} of the exchange is ${stored ?? "empty"}, not ${told}`,
        });
  // Of a cut answer the client may have kept only a part.
  if (messages.length === 0 || isGuess) return;
  if (usages.length !== 1) {
    const kind = usages.length === 0 ? "missing" : "doubled";
    findings.add({
      class: kind,
      ...about,
      column: "attributes",
      message: `usage stands on ${usages.length} rows, not on one`,
    });
    return;
  }
  for (const [name, count] of Object.entries(usageOf(response.usage)))
    differs(name, count, usages[0]![name] ?? 0, "message");
}

/** As rows of messages have it. */
function usageOf(usage: Usage): UsageCounts {
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = usage;
  const counts = { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)) as UsageCounts;
}

/** Of an exchange that the record tells no response of. */
function explain(exchange: StoredExchange, told: ToldSession, findings: Findings): void {
  const { exchangeId: id, conversationId, requestClass, tokens } = exchange;
  const isUsed = TOKEN_COLUMNS.some((name) => (tokens[name] ?? 0) > 0);
  if (isSideCall(requestClass)) findings.natural("side_call");
  else if (hasNoAnswer(exchange) || !isUsed) findings.natural("no_answer");
  else if (![...told.messages.values()].some((message) => message.conversationId === conversationId))
    findings.natural("no_record");
  else
    findings.add({
      class: "extra",
      subject: "exchange",
      id,
      conversation_id: conversationId,
      message: "brought an answer that is not in the client's record",
    });
}
