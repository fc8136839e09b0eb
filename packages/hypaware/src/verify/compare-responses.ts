import { carriedAttempts, lostAttempts } from "./attempts.ts";
import { hasNoAnswer, isSideCall } from "./compare-messages.ts";
import type { Findings } from "./difference.ts";
import { USAGE_NUMBERS } from "../projection/intake.ts";
import { COUNTED, type StoredExchange, type StoredMessage, type StoredSession } from "./stored.ts";
import type { ToldResponse, ToldSession } from "./told.ts";

/**
 * Each response that the record tells is one exchange with the same tokens, or one message's usage where no exchange carried it: gives
 * the latter. Each attempt without a response is an exchange, too, if it came by.
 */
export function compareResponses(
  told: ToldSession,
  stored: StoredSession,
  {
    givenUp,
    unreadable,
  }: { readonly givenUp: ReadonlySet<string>; readonly unreadable: ReadonlySet<string> },
  findings: Findings,
): readonly ToldResponse[] {
  const byId = Map.groupBy(stored.messages, ({ messageId }) => messageId);
  const exchanges = {
    byId: Map.groupBy(stored.exchanges, ({ exchangeId }) => exchangeId),
    byResponse: Map.groupBy(stored.exchanges, ({ responseId }) => responseId),
    byRequest: Map.groupBy(stored.exchanges, ({ requestId }) => requestId),
  };
  const conversations = new Set([...told.messages.values()].map(({ conversationId }) => conversationId));
  const named = new Set(told.responses.flatMap(({ responseId }) => responseId ?? []));
  const each = told.responses.map((response) => {
    const messages = response.messageIds.flatMap((id) => byId.get(id) ?? []);
    return { response, messages, ...exchangesOf(response, messages, exchanges, named) };
  });
  const explained = new Set(each.flatMap(({ found }) => found.map(({ exchangeId }) => exchangeId)));
  const answered = new Map(
    each.flatMap(({ response: { attemptId }, found: [exchange] }) =>
      attemptId === undefined || exchange === undefined ? [] : [[attemptId, exchange.exchangeId] as const],
    ),
  );
  const others = stored.exchanges.filter(({ exchangeId }) => !explained.has(exchangeId));
  const carried = carriedAttempts(told, answered, others);
  const lost = lostAttempts(told, carried);
  for (const { response, messages, ...carried } of each)
    compareOne(response, carried, messages, lost.has(response.attemptId ?? ""), findings);
  compareAttempts(told, carried, lost, findings);
  for (const exchange of stored.exchanges)
    if (givenUp.has(exchange.exchangeId)) findings.natural("no_answer");
    else if (explained.has(exchange.exchangeId)) continue;
    else if (unreadable.has(exchange.exchangeId)) findings.natural("unreadable");
    else explain(exchange, conversations, findings);
  return each.flatMap(({ response, found }) => (found.length === 0 ? [response] : []));
}

const LOST =
  "was sent through the gateway, as what was sent before or after it shows, and no exchange carried it";

interface Exchanges {
  readonly byId: ReadonlyMap<string, readonly StoredExchange[]>;
  readonly byResponse: ReadonlyMap<string | null, readonly StoredExchange[]>;
  readonly byRequest: ReadonlyMap<string | null, readonly StoredExchange[]>;
}

interface Carried {
  readonly found: readonly StoredExchange[];
  /** An exchange brought its messages as its own answer. */
  readonly isCarried: boolean;
}

/**
 * By each of its names, and by the messages that they carried. `named`: ids of all responses that are told. One that came without the gateway
 * may be in the request of another.
 */
function exchangesOf(
  { responseId, requestId }: ToldResponse,
  messages: readonly StoredMessage[],
  { byId, byResponse, byRequest }: Exchanges,
  named: ReadonlySet<string>,
): Carried {
  const isOthers = (exchange: StoredExchange): boolean =>
    responseId !== undefined && exchange.responseId !== responseId && named.has(exchange.responseId ?? "");
  const carrying = messages.flatMap(({ exchangeId }) => (exchangeId === null ? [] : [byId.get(exchangeId)]));
  const found = new Set([
    ...(responseId === undefined ? [] : (byResponse.get(responseId) ?? [])),
    ...(requestId === undefined ? [] : (byRequest.get(requestId) ?? [])),
    ...carrying.flatMap((exchanges = []) => exchanges.filter((exchange) => !isOthers(exchange))),
  ]);
  const isCarried = carrying.some((exchanges) => exchanges?.some(isOthers) !== true);
  return { found: [...found], isCarried };
}

function compareOne(
  response: ToldResponse,
  { found, isCarried }: Carried,
  messages: readonly StoredMessage[],
  isLost: boolean,
  findings: Findings,
): void {
  const about = {
    subject: "response",
    id: response.responseId ?? response.requestId ?? response.messageIds[0] ?? "",
    conversation_id: response.conversationId,
    place: response.place,
  } as const;
  const usages = messages.flatMap(({ usages: each }) => each);
  const [exchange] = found;
  if (exchange === undefined && (isCarried || isLost)) {
    const why = isCarried ? "has messages that an exchange carried, and no exchange" : LOST;
    findings.add({ class: "missing", ...about, message: why });
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
  for (const name of USAGE_NUMBERS) {
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
      // A client may ask for a summary in the middle of what it writes down.
      ...(isSideCall(exchange.requestClass)
        ? []
        : ([["request_class", response.requestClass, exchange.requestClass]] as const)),
      // Of a cut answer it writes down what it makes of it.
      ...(isGuess ? [] : ([["stop_reason", response.stopReason, exchange.stopReason]] as const)),
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
  for (const name of COUNTED) {
    const count = response.usage[name];
    if (count !== undefined) differs(name, count, usages[0]![name] ?? 0, "message");
  }
}

/** Of those without a response: the others are compared with it. */
function compareAttempts(
  { attempts, responses }: ToldSession,
  carried: ReadonlyMap<string, string>,
  lost: ReadonlySet<string>,
  findings: Findings,
): void {
  const isAnswered = new Set(responses.map(({ attemptId }) => attemptId));
  for (const { attemptId: id, conversationId, place } of attempts) {
    if (isAnswered.has(id) || carried.has(id)) continue;
    if (!lost.has(id)) findings.natural("not_carried");
    else
      findings.add({
        class: "missing",
        subject: "attempt",
        id,
        conversation_id: conversationId,
        place,
        message: LOST,
      });
  }
}

/** Of an exchange that the record tells no response of. */
function explain(exchange: StoredExchange, told: ReadonlySet<string | null>, findings: Findings): void {
  const { exchangeId: id, conversationId, requestClass, tokens } = exchange;
  const isUsed = USAGE_NUMBERS.some((name) => (tokens[name] ?? 0) > 0);
  if (isSideCall(requestClass)) findings.natural("side_call");
  else if (hasNoAnswer(exchange) || !isUsed) findings.natural("no_answer");
  else if (!told.has(conversationId)) findings.natural("no_record");
  else
    findings.add({
      class: "extra",
      subject: "exchange",
      id,
      conversation_id: conversationId,
      message: "brought an answer that is not in the client's record",
    });
}
