// What an exchange says of itself: sums and their parts, and what goes with how it ended.

import type { RequestClass } from "../contract/exchange.ts";
import { neverMakesRows } from "../projection/request-class.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Projectors } from "./agreement.ts";
import type { Findings } from "./difference.ts";
import type { StoredExchange, StoredSession } from "./stored.ts";

/** `texts`: exchanges whose rows do not agree in what was sent with all of them. */
export function checkExchanges(
  { exchanges, messages }: StoredSession,
  {
    catalog,
    projectors,
    texts,
  }: { readonly catalog: Catalog; readonly projectors: Projectors; readonly texts: ReadonlySet<string> },
  findings: Findings,
): void {
  const byExchange = Map.groupBy(messages, ({ exchangeId }) => exchangeId);
  for (const exchange of exchanges) {
    const { exchangeId: id, conversationId } = exchange;
    const brought = byExchange.get(id) ?? [];
    const wrong = [...contradictions(exchange, projectors), ...wrongPlace(exchange, catalog)];
    if (new Set(brought.map(({ sent }) => sent)).size > 1 || texts.has(id))
      wrong.push("its rows do not agree in what was sent with all of them");
    if (brought.length > 0 && exchange.decodeStatus !== "projected")
      wrong.push(`its decode_status is ${exchange.decodeStatus}, and it brought messages`);
    const rows = brought.reduce((sum, { parts }) => sum + parts.length, 0);
    if (rows !== exchange.rowsWritten && conversationId !== null && isUntouched(catalog, conversationId))
      wrong.push(`brought ${exchange.rowsWritten} rows, and has ${rows}`);
    for (const message of wrong)
      findings.add({ class: "broken", subject: "exchange", id, conversation_id: conversationId, message });
  }
}

const ABORTED = new Set(["client_aborted", "upstream_aborted", "upstream_refused"]);

function contradictions(exchange: StoredExchange, projectors: Projectors): readonly string[] {
  const {
    tokens,
    totalInput,
    outcome,
    gateway,
    isWebSocket,
    isDated,
    isTimed,
    statusCode,
    decodeStatus,
    requestClass,
    stopReason,
  } = exchange;
  const wrong: string[] = [];
  const { input_tokens: input, cache_read_tokens: read, cache_write_tokens: write } = tokens;
  const parts = [input, read, write];
  if (totalInput !== null && parts.every((part) => part !== null)) {
    const sum = parts.reduce((total, part) => total + part, 0);
    if (sum !== totalInput) wrong.push(`total_input_tokens is ${totalInput}, and its parts are ${sum}`);
  }
  // Providers may leave a part of the writes without a lifetime.
  const [short, long] = [tokens.cache_write_5m_tokens, tokens.cache_write_1h_tokens];
  if (short !== null && long !== null && write !== null && short + long > write)
    wrong.push(`cache_write_tokens is ${write}, and its parts are ${short + long}`);
  // How a call on a connection ended is known of the connection alone.
  if (ABORTED.has(outcome) && gateway.error === null && !isWebSocket)
    wrong.push(`its outcome is ${outcome}, and it has no error`);
  // There the end of a whole answer is the end of the call.
  if (ABORTED.has(outcome) && isWebSocket && projectors.stopReasons(stopReason ?? "").includes("end_turn"))
    wrong.push(`its outcome is ${outcome}, and its answer ended with ${stopReason}`);
  if (!isTimed) wrong.push("it did not last from its beginning to its end");
  if (isWebSocket !== (statusCode === 101))
    wrong.push(`its status_code is ${statusCode}, and is_websocket ${isWebSocket}`);
  if (!isDated) wrong.push("its date is not that of its beginning");
  if (decodeStatus === "projected" && neverMakesRows(requestClass as RequestClass))
    wrong.push(`its request_class is ${requestClass}, and it brought messages`);
  return wrong;
}

function wrongPlace({ conversationId, decodeStatus }: StoredExchange, catalog: Catalog): readonly string[] {
  if (decodeStatus !== "projected") return [];
  if (conversationId === null) return ["brought messages, and has no conversation"];
  return catalog.threads.conversation(conversationId) === undefined
    ? [`its conversation ${conversationId} is not one of the store`]
    : [];
}

/** No client's record changed the rows of such a conversation. */
function isUntouched(catalog: Catalog, conversationId: string): boolean {
  const { threads, records } = catalog;
  const conversation = threads.conversation(conversationId);
  return (
    conversation?.id === conversationId &&
    conversation.namedAfter === undefined &&
    !records.has(conversationId) &&
    !catalog.threadNodes(conversationId).some(({ id }) => records.ofThreadNode(id) !== undefined)
  );
}
