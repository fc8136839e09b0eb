import type { ExchangeRow, MessageRow } from "../contract/dataset.ts";
import type { ProjectedRecord } from "../contract/exchange.ts";
import type { CapturedFacts } from "../contract/frame.ts";
import type { SessionPlace } from "../contract/projection.ts";
import type { ThreadConversation, ThreadNode, ThreadStore } from "../contract/thread.ts";
import { align, type Placement } from "./align.ts";
import { findInferred, nextInferredId } from "./conversation.ts";
import { type Entries, toEntries } from "./entry.ts";
import { toExchangeRow } from "./exchange-row.ts";
import { expand, isoTime } from "./expand.ts";
import type { Intake } from "./intake.ts";
import { neverMakesRows } from "./request-class.ts";
import { hasFailed, retriedBy } from "./retry.ts";
import type { Selection } from "./select.ts";

export interface Application {
  readonly record: ProjectedRecord;
  readonly captured: CapturedFacts;
  readonly selection: Selection;
  /** Why a body could not be read to its end; null when both could. */
  readonly decodeError: string | null;
  readonly threads: ThreadStore;
  /** Where a session worked at a time, milliseconds since 1970, as its client's hooks say. */
  placeAt?(session: string, time: number): SessionPlace | undefined;
}

export interface Applied {
  readonly exchange: ExchangeRow;
  /** New messages only. */
  readonly rows: MessageRow[];
  readonly fresh: readonly Placement[];
}

/**
 * Rows of one exchange, given what is stored. Synchronous, and writes thread state: it runs inside the transaction that
 * stores its result, once per exchange, in the order of the journal.
 */
export function applyProjection(application: Application): Applied {
  const { record, captured, threads, decodeError } = application;
  const selection = withPlace(withoutForbiddenRows(application.selection), application);
  const { projection, facts } = selection;
  const failed = hasFailed(captured, facts);

  const scope = facts?.session_id ?? projection?.conversation_id ?? captured.open.clientName ?? "";
  const retryOf = retriedBy(threads, { scope, record, failed });

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
  return { exchange, rows: thread?.rows ?? [], fresh: thread?.fresh ?? [] };
}

/** Classes that only repeat what others say have an exchange row, whatever their projector found in them. */
function withoutForbiddenRows(selection: Selection): Selection {
  const { facts } = selection;
  const isForbidden =
    facts !== null && neverMakesRows(facts.request_class) && selection.status === "projected";
  return isForbidden ? { ...selection, status: "no_messages" } : selection;
}

/** What the wire itself says of the place counts. */
function withPlace(selection: Selection, application: Application): Selection {
  const { projection, facts } = selection;
  if (projection === null || facts?.session_id === undefined || projection.cwd !== undefined)
    return selection;
  const place = application.placeAt?.(facts.session_id, application.captured.open.startedAt);
  if (place === undefined) return selection;
  const { cwd, git_branch: branch } = place;
  return {
    ...selection,
    projection: { ...projection, cwd, ...(branch === null ? {} : { git_branch: branch }) },
  };
}

interface Stored {
  readonly conversationId: string;
  readonly rows: MessageRow[];
  readonly fresh: readonly Placement[];
  readonly edits: number;
}

function store(application: Application, projection: Intake, failed: boolean): Stored {
  const { record, captured, threads } = application;
  const entries = toEntries(projection.messages);
  const { previous_response_id: previousId } = projection;
  const previous = previousId === undefined ? undefined : threads.response(previousId);
  const conversation = conversationOf(threads, projection, entries, record, previous);
  const after = previous && { node: previous, isCertain: projection.history_is_left_out === true };
  const { fresh, leaf, end, edits } = align(threads, conversation.id, entries, after);
  const responseId = projection.response_is_kept === true ? projection.exchange?.response_id : undefined;
  if (responseId !== undefined && end !== undefined) threads.rememberResponse(responseId, end.id);
  if (conversation.inferred) {
    // The client will repeat this list: remember where it ends, so that the repeat is recognised.
    threads.setFailedLeaf(conversation.id, failed ? (leaf?.id ?? null) : null);
  }
  const lastAnswer = entries.answer.at(-1);
  const rows = expand(
    { gatewayId: captured.open.gatewayId, record, projection, conversation, threads, historyEdits: edits },
    fresh,
    fresh.findLast((placement) => placement.entry === lastAnswer),
  );
  return { conversationId: conversation.id, rows, fresh, edits };
}

function conversationOf(
  threads: ThreadStore,
  projection: Intake,
  entries: Entries,
  record: ProjectedRecord,
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
