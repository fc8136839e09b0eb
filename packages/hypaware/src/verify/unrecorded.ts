// What no client's record tells of: programs that keep none, conversations that are kept out of it, and records that are gone. What the
// store itself knows of them must agree.

import type { Cell } from "../query/cell.ts";
import { checkCoherence, checkThreads } from "./coherence.ts";
import { checkConversations } from "./conversations.ts";
import { Findings } from "./difference.ts";
import { checkExchanges } from "./exchange-facts.ts";
import { readStored, SESSION, type StoredSession } from "./stored.ts";
import { expectedEntries, expectedRows } from "./threads.ts";
import { readLineage, type SessionReport, type StoreToVerify } from "./verify.ts";

const NO_REQUESTS: ReadonlySet<string> = new Set();
/** Rows that are read in one go. A program may have a conversation for each of its calls. */
const BATCH_ROWS = 20_000;
const BATCH_UNITS = 5_000;

export interface UnrecordedReport {
  readonly client: null;
  readonly record: null;
  readonly roots: readonly string[];
  /** What was looked at. */
  readonly looked_at: {
    readonly sessions: number;
    readonly conversations: number;
    readonly exchanges: number;
    readonly messages: number;
  };
  /** Those with a difference. What has no session has its conversation's name, or the date. */
  readonly sessions: readonly SessionReport[];
  readonly unreadable: readonly string[];
}

export interface Unrecorded extends StoreToVerify {
  /** Where the store is. */
  readonly root: string;
  /** Sessions and conversations that a client's record tells of. */
  readonly recorded: ReadonlySet<string>;
  /** Only this one. */
  readonly session?: string | undefined;
}

export async function verifyUnrecorded(work: Unrecorded): Promise<UnrecordedReport> {
  const units = (await unitsOf(work)).filter(({ id }) => work.session === undefined || id === work.session);
  const looked_at = { sessions: units.length, conversations: 0, exchanges: 0, messages: 0 };
  const sessions: SessionReport[] = [];
  let done = 0;
  for (const batch of batches(units)) {
    work.onProgress?.("checking what no client wrote down", done, units.length);
    done += batch.length;
    const stored = await readStored(work.ask, {
      sessions: batch.flatMap(({ id, kind }) => (kind === "session" ? [id] : [])),
      conversations: new Map(
        batch.flatMap(({ id, conversations }) => conversations.map((each) => [each, id])),
      ),
      days: batch.flatMap(({ id, kind }) => (kind === "day" ? [id] : [])),
    });
    const lineage = await readLineage(work.ask, [...stored.values()]);
    for (const unit of batch) {
      const own = ownOf(unit, stored.get(unit.id)!);
      const report = check(work, unit, own, lineage);
      looked_at.conversations += report.conversations;
      looked_at.exchanges += report.exchanges;
      looked_at.messages += own.messages.length;
      if (report.differences.length > 0) sessions.push(report);
    }
  }
  return { client: null, record: null, roots: [work.root], looked_at, sessions, unreadable: [] };
}

/** Without what lies in another unit's conversations. */
function ownOf({ conversations }: Unit, { messages, exchanges }: StoredSession): StoredSession {
  const own = new Set<string | null>([null, ...conversations]);
  return {
    messages: messages.filter(({ conversationId }) => own.has(conversationId)),
    exchanges: exchanges.filter(({ conversationId }) => own.has(conversationId)),
  };
}

function check(
  work: Unrecorded,
  { id, conversations }: Unit,
  stored: StoredSession,
  lineage: ReadonlyMap<string, number>,
): SessionReport {
  const findings = new Findings();
  const { catalog } = work;
  const readers = { projectors: work.projectors, isRecorded: false, requests: NO_REQUESTS };
  checkCoherence(stored, lineage, readers, findings);
  checkExchanges(stored, work, findings);
  checkConversations(stored, work, findings);
  const expected = conversations.flatMap((each) => [
    ...expectedRows(catalog, each),
    ...expectedEntries(catalog, each),
  ]);
  checkThreads(stored, expected, readers, findings);
  return {
    session_id: id,
    conversations: conversations.length,
    messages: 0,
    responses: 0,
    attempts: 0,
    linked: 0,
    exchanges: stored.exchanges.length,
    by_nature: findings.natures,
    differences: findings.differences,
  };
}

interface Unit {
  /** Of its session, of its one conversation, or its date. */
  readonly id: string;
  readonly kind: "session" | "conversation" | "day";
  readonly conversations: string[];
  rows: number;
}

async function unitsOf({ ask, recorded }: Unrecorded): Promise<readonly Unit[]> {
  const { rows } = await ask(
    `SELECT session, conversation, day, sum(rows)::INT AS rows FROM (
       SELECT session_id AS session, conversation_id AS conversation,
         CASE WHEN session_id IS NULL AND conversation_id IS NULL THEN date END AS day, 1 AS rows FROM ai_gateway_exchanges
       UNION ALL SELECT ${SESSION}, conversation_id, NULL, 1 FROM ai_gateway_messages)
     GROUP BY ALL ORDER BY session NULLS LAST, conversation, day`,
  );
  const name = (cell: Cell | undefined): string | null => (typeof cell === "string" ? cell : null);
  const units = new Map<string, Unit>();
  const homes = new Map<string, Unit>();
  const told = new Set<string>();
  for (const [session, conversation] of rows)
    if (recorded.has(name(session) ?? "")) told.add(name(conversation) ?? "");
  for (const [cell, other, day, count] of rows) {
    const [session, conversation] = [name(cell), name(other)];
    if (recorded.has(session ?? "") || recorded.has(conversation ?? "") || told.has(conversation ?? ""))
      continue;
    const id = session ?? conversation ?? name(day) ?? "";
    const kind = session !== null ? "session" : conversation !== null ? "conversation" : "day";
    const home = homes.get(conversation ?? "");
    const unit = home ?? units.get(`${kind} ${id}`) ?? { id, kind, conversations: [], rows: 0 };
    if (home === undefined) units.set(`${kind} ${id}`, unit);
    unit.rows += Number(count);
    if (conversation === null || home !== undefined) continue;
    homes.set(conversation, unit);
    unit.conversations.push(conversation);
  }
  return [...units.values()];
}

function* batches(units: readonly Unit[]): Generator<readonly Unit[]> {
  let batch: Unit[] = [];
  let rows = 0;
  for (const unit of units) {
    batch.push(unit);
    rows += unit.rows;
    if (rows < BATCH_ROWS && batch.length < BATCH_UNITS) continue;
    yield batch;
    [batch, rows] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
