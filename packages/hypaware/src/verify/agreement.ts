// What a row says of the exchange that brought it, and what the exchange itself says: both were written from the same bytes.

import { finishReason } from "../projection/expand.ts";
import { answers } from "../projection/match-key.ts";
import { knownPartType } from "../projection/part.ts";
import { GATEWAY_FACTS, MESSAGE_FIELDS, PART_FIELDS } from "./fields.ts";
import { COUNTED, type StoredExchange, type StoredMessage } from "./stored.ts";

/** What is known of projectors, which lie downstream. */
export interface Projectors {
  /** It ships, so what it says of an exchange and of its messages are known to go together. */
  ships(projector: string): boolean;
  /** What its messages may call a provider's reason for the end of an answer. */
  stopReasons(reason: string): readonly string[];
}

/** Who reads what is checked. */
export interface Readers {
  readonly projectors: Projectors;
  /** Its client keeps a record of it. */
  readonly isRecorded: boolean;
  /** The ids of requests that the record tells. */
  readonly requests: ReadonlySet<string>;
}

/** Where the two say something else, in words. */
export function disagreements(
  message: StoredMessage,
  exchange: StoredExchange,
  { projectors, requests, isRecorded }: Readers,
): readonly string[] {
  const wrong = message.usages.flatMap((usage) =>
    COUNTED.filter((name) => (usage[name] ?? 0) !== (exchange.tokens[name] ?? 0)).map(
      (name) => `its usage has ${usage[name] ?? 0} ${name}, and its exchange ${exchange.tokens[name] ?? 0}`,
    ),
  );
  if (message.conversationId !== exchange.conversationId)
    wrong.push("its exchange is another conversation's");
  if (message.model !== null && ![exchange.model, exchange.requestedModel].includes(message.model))
    wrong.push(`its model is ${message.model}, and its exchange's ${shown(exchange.model)}`);
  if ((message.model === null) !== (exchange.model === null))
    wrong.push(`its model is ${shown(message.model)}, and its exchange's ${shown(exchange.model)}`);
  // It came without the gateway, and was sent along with another request. Of a record that is gone nobody knows.
  const isOfAnother = isRecorded
    ? requests.has(message.requestId ?? "") && requests.has(exchange.requestId ?? "")
    : message.fields[0]?.[TOLD_NAME] !== "";
  // Versions before this one may have left out what a row says of these.
  const pairs: readonly (readonly [string, string | null, string | null])[] = [
    ["request_id", isOfAnother ? null : message.requestId, exchange.requestId],
    ["provider", message.provider, exchange.provider],
    ["gateway_id", message.gatewayId, exchange.gatewayId],
    ...GATEWAY_FACTS.map((name) => [name, message.gateway[name], exchange.gateway[name]] as const),
    // Of a session that only the client's record tells the exchange may not know.
    ["session_id", exchange.sessionId === null ? null : message.sessionId, exchange.sessionId],
    ...(projectors.ships(exchange.projector ?? "") ? pairsOfShipped(message, exchange) : []),
  ];
  for (const [name, own, its] of pairs)
    if (own !== null && own !== its)
      wrong.push(`its ${name} is ${shown(own)}, and its exchange's ${shown(its)}`);
  if (message.gateway.error !== null && exchange.outcome === "complete")
    wrong.push(`its exchange ended with ${message.gateway.error}, and is complete`);
  if (projectors.ships(exchange.projector ?? ""))
    wrong.push(...wrongEnds(message, exchange, projectors), ...wrongTypes(message));
  return wrong;
}

function pairsOfShipped(
  { model, responseId, promptId, isFallback, role, isSidechain }: StoredMessage,
  exchange: StoredExchange,
): readonly (readonly [string, string | null, string | null])[] {
  // Of what was asked before, the client's record tells the turn that it was asked in.
  const isOfTurn = exchange.turnId !== null && (isFallback || answers(role));
  return [
    ["model", model, exchange.requestedModel ?? exchange.model],
    ["response_id", responseId, exchange.responseId],
    ["turn_id", isOfTurn ? promptId : null, exchange.turnId],
    ["agent_id", isSidechain === false ? "" : null, exchange.agentId ?? ""],
  ];
}

const WHOLE = finishReason("end_turn");
/** Of an answer that came without a reason for its end. */
const UNSAID = [null, "error"];

/** Why an answer ended stands on the row that has its usage. */
function wrongEnds(
  { parts }: StoredMessage,
  { stopReason, tokens }: StoredExchange,
  projectors: Projectors,
): readonly string[] {
  if (COUNTED.every((name) => tokens[name] === null)) return [];
  const reasons: readonly unknown[] =
    stopReason === null ? UNSAID : projectors.stopReasons(stopReason).map(finishReason);
  return parts.flatMap(({ status, hasUsage, fields }) => {
    const reason = status?.["finish_reason"] ?? null;
    // An answer that is whole and ends in a call ended for its sake, where its provider has no word for that.
    const isAsking = reason === "tool_use" && fields[PART_TYPE] === "tool_call" && reasons.includes(WHOLE);
    if (!hasUsage || isAsking || reasons.includes(reason)) return [];
    return [
      `its finish_reason is ${JSON.stringify(reason)}, and its exchange ended with ${shown(stopReason)}`,
    ];
  });
}

const PART_TYPE = PART_FIELDS.indexOf("part_type");
const [BLOCK_TYPE, TOLD_NAME] = [
  MESSAGE_FIELDS.indexOf("provider_subtype"),
  MESSAGE_FIELDS.indexOf("provider_uuid"),
];

/** Parts that are something else than their blocks were. A client's record has types of its own. */
function wrongTypes({ parts, fields }: StoredMessage): readonly string[] {
  return parts.flatMap(({ fields: part }, index) => {
    const row = fields[index];
    const type = row?.[TOLD_NAME] === "" ? knownPartType(row[BLOCK_TYPE] ?? "") : undefined;
    if (type === undefined || type === part[PART_TYPE]) return [];
    return [`the part_type of part ${index} is ${shown(part[PART_TYPE])}, and its block's ${type}`];
  });
}

const shown = (value: string | null | undefined): string => value || "empty";
