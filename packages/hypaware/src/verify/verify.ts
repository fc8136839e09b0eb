// Compares a client's own record with the store, session by session.

import type { AnyClientRecord, RecordedTotal } from "../contract/record.ts";
import { type RecordPath, recordPaths } from "../notes/whole-record.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Projectors } from "./agreement.ts";
import { checkCoherence, checkThreads } from "./coherence.ts";
import { checkConversations } from "./conversations.ts";
import { compareMessages } from "./compare-messages.ts";
import { compareResponses } from "./compare-responses.ts";
import { compareTotals } from "./compare-totals.ts";
import { naturesOfTexts } from "./differing-texts.ts";
import { type Difference, Findings, type NatureCounts } from "./difference.ts";
import { checkExchanges } from "./exchange-facts.ts";
import { type Ask, readStored, type StoredMessage, type StoredSession } from "./stored.ts";
import { givenUp } from "./given-up.ts";
import { expectedRows } from "./threads.ts";
import { readTold, type Told, type ToldSession } from "./told.ts";

/** Messages whose rows are read in one go. */
const BATCH_MESSAGES = 5_000;
const BATCH_SESSIONS = 200;

export interface SessionReport {
  readonly session_id: string;
  /** What the record tells. */
  readonly conversations: number;
  readonly messages: number;
  readonly responses: number;
  /** Requests for an answer, answered or not, if the client notes them. */
  readonly attempts: number;
  /** Of its messages those that an exchange carried. */
  readonly linked: number;
  readonly exchanges: number;
  readonly by_nature: NatureCounts;
  readonly differences: readonly Difference[];
}

export interface RecordReport {
  readonly client: string;
  readonly record: string;
  readonly roots: readonly string[];
  readonly sessions: readonly SessionReport[];
  readonly unreadable: readonly string[];
}

export interface Verified extends RecordReport {
  /** Sessions and conversations that the record tells of. */
  readonly recorded: ReadonlySet<string>;
}

/** The store, to be read only. */
export interface StoreToVerify {
  readonly ask: Ask;
  readonly catalog: Catalog;
  readonly projectors: Projectors;
  /** Exchanges whose rows do not have one system text and one list of tools. */
  readonly texts: ReadonlySet<string>;
  onProgress?(what: string, done: number, of: number): void;
}

export interface Verification extends StoreToVerify {
  readonly record: AnyClientRecord;
  /** Only this one. */
  readonly session?: string | undefined;
  /** Only what changed last. What a fork repeats of sessions that are not read is not compared, and no sums are. */
  readonly latest?: { readonly since: number; readonly files: number; readonly bytes: number };
}

export async function verifyRecord(verification: Verification): Promise<Verified> {
  const { record, session, latest } = verification;
  const all = await recordPaths(record);
  const paths = latest === undefined ? all : latestOf(all, latest);
  let read = 0;
  const told = await readTold(record, paths, ({ path }) =>
    verification.onProgress?.(`reading ${path}`, (read += 1), paths.length),
  );
  const telling = [...told.sessions.values()].filter(({ messages }) => messages.size > 0);
  const wanted = telling.filter(({ sessionId }) => session === undefined || sessionId === session);
  const sessions: SessionReport[] = [];
  for (const batch of batches(wanted)) {
    verification.onProgress?.("comparing sessions", sessions.length, wanted.length);
    sessions.push(...(await compareBatch(verification, told, batch)));
  }
  const { client, name } = record;
  const roots = "roots" in record ? record.roots : [record.database];
  const recorded = new Set(
    telling.flatMap(({ sessionId, messages }) => [
      sessionId,
      ...messages.values().map(({ conversationId }) => conversationId),
    ]),
  );
  return { client, record: name, roots, sessions, unreadable: told.unreadable, recorded };
}

async function compareBatch(
  verification: Verification,
  told: Told,
  batch: readonly ToldSession[],
): Promise<readonly SessionReport[]> {
  const { ask } = verification;
  const conversations = new Map(
    batch.flatMap(({ sessionId, messages }) =>
      [...messages.values()].map(({ conversationId }) => [conversationId, sessionId] as const),
    ),
  );
  const stored = await readStored(ask, {
    sessions: batch.map(({ sessionId }) => sessionId),
    conversations,
  });
  const lineage = await readLineage(ask, [...stored.values()]);
  const totals = [...told.sessions.values()].flatMap((each) => each.totals);
  const reports: SessionReport[] = [];
  for (const session of batch) {
    const of = stored.get(session.sessionId)!;
    const isPartial = verification.latest !== undefined;
    reports.push(
      await compareSession({ ...verification, told, session, stored: of, lineage, totals, isPartial }),
    );
  }
  return reports;
}

interface SessionWork extends Omit<Verification, "session"> {
  readonly told: Told;
  readonly session: ToldSession;
  readonly stored: StoredSession;
  readonly lineage: ReadonlyMap<string, number>;
  readonly totals: readonly RecordedTotal[];
  readonly isPartial: boolean;
}

async function compareSession(work: SessionWork): Promise<SessionReport> {
  const { record, catalog, told, session, stored, lineage, totals, isPartial } = work;
  const findings = new Findings();
  const natureOfText = await naturesOfTexts(work);
  const dropped = givenUp(session, stored);
  const unreadable = new Set(
    stored.messages.flatMap(({ isUnreadable, exchangeId }) =>
      isUnreadable && exchangeId !== null ? [exchangeId] : [],
    ),
  );
  const isUntold = (message: Parameters<NonNullable<AnyClientRecord["isUntold"]>>[0]): boolean =>
    record.isUntold?.(message) === true;
  const { messages, exchanges } = stored;
  const isElsewhere = (id: string, conversation: string): boolean => {
    const home = catalog.records.home(id)?.conversationId;
    return home !== undefined && home !== conversation;
  };
  compareMessages(
    {
      told: session,
      known: told.known,
      stored: messages,
      exchanges: new Map(exchanges.map((exchange) => [exchange.exchangeId, exchange])),
      isUntold,
      natureOfText,
      givenUp: dropped,
      unreadable,
      ...(isPartial ? { isElsewhere } : {}),
    },
    findings,
  );
  const uncarried = compareResponses(session, stored, { givenUp: dropped, unreadable }, findings);
  const others = totals.filter(({ session_id: id }) => id !== session.sessionId);
  if (!isPartial) compareTotals(session, exchanges, others, uncarried, findings);
  for (const { exchangeId: id, conversationId, sessionId } of exchanges)
    if (sessionId !== null && sessionId !== session.sessionId)
      findings.add({
        class: "broken",
        subject: "exchange",
        id,
        conversation_id: conversationId,
        message: `its session is ${sessionId}, and its conversation's ${session.sessionId}`,
      });
  const requests = new Set(session.responses.flatMap(({ requestId }) => requestId ?? []));
  const readers = { projectors: work.projectors, isRecorded: true, requests };
  checkCoherence(stored, lineage, readers, findings);
  checkExchanges(stored, work, findings);
  checkConversations(stored, work, findings);
  const conversations = new Set([
    ...exchanges.flatMap(({ conversationId }) => conversationId ?? []),
    ...[...session.messages.values()].map(({ conversationId }) => conversationId),
  ]);
  const expected = [...conversations].flatMap((id) => expectedRows(catalog, id));
  checkThreads(stored, expected, readers, findings);
  return {
    session_id: session.sessionId,
    conversations: new Set([...session.messages.values()].map(({ conversationId }) => conversationId)).size,
    messages: session.messages.size,
    responses: session.responses.length,
    attempts: session.attempts.length,
    linked: messages.filter(
      ({ messageId, exchangeId }) => exchangeId !== null && session.messages.has(messageId),
    ).length,
    exchanges: exchanges.length,
    by_nature: findings.natures,
    differences: findings.differences,
  };
}

/** Predecessors that lie in other sessions, with their index. */
export async function readLineage(
  ask: Ask,
  sessions: readonly StoredSession[],
): Promise<ReadonlyMap<string, number>> {
  const own = new Set(sessions.flatMap(({ messages }) => messages.map(({ messageId }) => messageId)));
  const outside = new Set(
    sessions.flatMap(({ messages }) => messages.flatMap(predecessorsOf)).filter((id) => !own.has(id)),
  );
  const found = new Map<string, number>();
  const within = sessions.flatMap(({ messages }) => messages);
  for (const { messageId, index } of within) found.set(messageId, index);
  if (outside.size === 0) return found;
  const list = [...outside].map((id) => `'${id.replaceAll("'", "''")}'`).join(", ");
  const { rows } = await ask(
    `SELECT DISTINCT message_id, message_index FROM ai_gateway_messages WHERE message_id IN (${list})`,
  );
  for (const [id, index] of rows) if (typeof id === "string") found.set(id, Number(index));
  return found;
}

function predecessorsOf({ previous, logicalParent }: StoredMessage): readonly string[] {
  return [...(previous ?? []), ...(logicalParent === null ? [] : [logicalParent])];
}

/** In the order of `paths`. */
function latestOf(
  paths: readonly RecordPath[],
  { since, files, bytes }: NonNullable<Verification["latest"]>,
): readonly RecordPath[] {
  const chosen = new Set<RecordPath>();
  let left = bytes;
  for (const path of paths.toSorted((a, b) => b.changedMs - a.changedMs).slice(0, files)) {
    left -= path.bytes;
    if (path.changedMs >= since && left >= 0) chosen.add(path);
  }
  return paths.filter((path) => chosen.has(path));
}

function* batches(sessions: readonly ToldSession[]): Generator<readonly ToldSession[]> {
  let batch: ToldSession[] = [];
  let messages = 0;
  for (const session of sessions) {
    batch.push(session);
    messages += session.messages.size;
    if (messages < BATCH_MESSAGES && batch.length < BATCH_SESSIONS) continue;
    yield batch;
    [batch, messages] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
