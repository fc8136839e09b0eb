import type { ExchangeRow, MessageRow } from "../contract/dataset.ts";
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { CapturedExchange } from "../contract/frame.ts";
import type { ThreadConversation, ThreadNode, ThreadStore } from "../contract/thread.ts";
import { align } from "./align.ts";
import { findInferred, nextInferredId } from "./conversation.ts";
import { type Entries, toEntries } from "./entry.ts";
import { toExchangeRow } from "./exchange-row.ts";
import { expand, isoTime } from "./expand.ts";
import type { Intake } from "./intake.ts";
import { neverMakesRows } from "./request-class.ts";
import { hasFailed, requestDigest } from "./retry.ts";
import type { Selection } from "./select.ts";

export interface Application {
  readonly record: ExchangeRecord;
  readonly captured: CapturedExchange;
  readonly selection: Selection;
  /** Why a body could not be read to its end; null when both could. */
  readonly decodeError: string | null;
  readonly threads: ThreadStore;
}

export interface Applied {
  readonly exchange: ExchangeRow;
  /** New messages only. */
  readonly rows: MessageRow[];
}

/**
 * Rows of one exchange, given what is stored. Synchronous, and writes thread state: it runs inside the transaction that
 * stores its result, once per exchange, in the order of the journal.
 */
export function applyProjection(application: Application): Applied {
  const { record, captured, threads, decodeError } = application;
  const selection = withoutForbiddenRows(application.selection);
  const { projection, facts } = selection;
  const failed = hasFailed(captured, facts);

  const scope = facts?.session_id ?? projection?.conversation_id ?? captured.open.clientName ?? "";
  const digest = requestDigest(record);
  const retryOf = digest === undefined ? undefined : threads.failedAttempt(scope, digest);
  if (digest !== undefined) threads.rememberAttempt(scope, digest, record.exchange_id, failed);

  const isStored = projection !== null && selection.status === "projected";
  const thread = isStored ? store(application, projection, failed) : undefined;

  const exchange = toExchangeRow({
    record,
    captured,
    selection,
    decodeError,
    facts,
    conversationId: thread?.conversationId ?? null,
    retryOf: retryOf ?? null,
    historyEdits: thread?.edits ?? 0,
    rowsWritten: thread?.rows.length ?? 0,
  });
  return { exchange, rows: thread?.rows ?? [] };
}

/** Classes that only repeat what others say have an exchange row, whatever their projector found in them. */
function withoutForbiddenRows(selection: Selection): Selection {
  const { facts } = selection;
  const isForbidden =
    facts !== null && neverMakesRows(facts.request_class) && selection.status === "projected";
  return isForbidden ? { ...selection, status: "no_messages" } : selection;
}

interface Stored {
  readonly conversationId: string;
  readonly rows: MessageRow[];
  readonly edits: number;
}

function store(application: Application, projection: Intake, failed: boolean): Stored {
  const { record, captured, threads } = application;
  const entries = toEntries(projection.messages);
  const { previous_response_id: previousId } = projection;
  const previous = previousId === undefined ? undefined : threads.response(previousId);
  const conversation = conversationOf(threads, projection, entries, record, previous);
  const { fresh, leaf, end, edits } = align(threads, conversation.id, entries, previous);
  const responseId = projection.exchange?.response_id;
  if (responseId !== undefined && end !== undefined) threads.rememberResponse(responseId, end.id);
  if (conversation.inferred) {
    // The client will repeat this list: remember where it ends, so that the repeat is recognised.
    threads.setFailedLeaf(conversation.id, failed ? (leaf?.id ?? null) : null);
  }
  const lastAnswer = entries.answer.at(-1);
  const rows = expand(
    { gatewayId: captured.open.gatewayId, record, projection, conversation, threads, historyEdits: edits },
    fresh,
    fresh.find((placement) => placement.entry === lastAnswer),
  );
  return { conversationId: conversation.id, rows, edits };
}

function conversationOf(
  threads: ThreadStore,
  projection: Intake,
  entries: Entries,
  record: ExchangeRecord,
  previous: ThreadNode | undefined,
): ThreadConversation {
  const base = projection.conversation_id;
  const inferred = projection.conversation_inferred === true;
  const known =
    inferred && previous !== undefined
      ? threads.conversation(previous.conversationId)
      : inferred
        ? findInferred(threads, base, entries.history)
        : threads.conversation(base);
  if (known !== undefined) return known;
  const conversation = {
    id: inferred ? nextInferredId(threads, base) : base,
    base,
    inferred,
    startedAt: isoTime(projection.conversation_started_at) ?? record.ts_start,
    failedLeaf: null,
  };
  threads.addConversation(conversation);
  return conversation;
}
