import { type Compact, nodeNamed } from "../compact.ts";
import type { Database } from "../database.ts";
import { Groups } from "../groups.ts";
import type { Shadow } from "./shadow.ts";

/** Which exchanges the caller wants projected again; both must hold. */
export interface ScopeFilter {
  /** Started then or later; milliseconds since 1970. */
  readonly since?: number;
  /** Projected by it as stored, or now. */
  readonly projector?: string;
}

export interface Scope {
  /** To be made anew. */
  readonly exchanges: number;
  readonly conversations: number;
  /** Asked for, and kept: some of their raw history is gone. */
  readonly keptExchanges: number;
  readonly keptConversations: number;
}

interface Facts {
  readonly exchangeId: string;
  readonly startedAt: number | null;
  /** Conversation and projector, as stored and now. */
  readonly conversations: readonly [string | null, string | null];
  readonly projectors: readonly [string | null, string | null];
  readonly isReplayed: boolean;
}

const FACTS = `
  SELECT s.exchange_id, s.started_at, s.conversation_id, n.conversation_id, s.projector, n.projector, n.exchange_id IS NOT NULL
  FROM stored s LEFT JOIN ai_gateway_exchanges n ON n.exchange_id = s.exchange_id
  UNION ALL
  SELECT exchange_id, started_at, NULL, conversation_id, NULL, projector, 1
  FROM ai_gateway_exchanges WHERE exchange_id NOT IN (SELECT exchange_id FROM stored)`;

/** Nodes whose predecessor stands in another conversation: a branch across. */
const CROSSINGS = `
  SELECT own.id, other.id FROM nodes n JOIN nodes p ON p.id = n.predecessor
  JOIN conversations own ON own.number = n.conversation JOIN conversations other ON other.number = p.conversation
  WHERE n.conversation <> p.conversation`;

/** Messages of the wire whose rows stand in another conversation, where the client's record says that they were said. */
const TOLD_ELSEWHERE = `
  SELECT own.id, told.id FROM record_messages m JOIN nodes n ON n.id = m.node
  JOIN conversations own ON own.number = n.conversation JOIN record_conversations told ON told.number = m.conversation
  WHERE own.id <> told.id`;

/**
 * Writes `scope_conversations` and `scope_exchanges` of the shadow. What is made anew is whole: conversations that an exchange
 * moves between, that share a node or a name are one unit, and a unit of which something was not replayed is none at all. An
 * exchange without a conversation is a unit of its own.
 */
export function chooseScope(shadow: Shadow, store: Database, filter: ScopeFilter): Scope {
  const { database } = shadow;
  const groups = unitsOf(database, store);
  const unitOf = ({ exchangeId, conversations: [before, after] }: Facts): string => {
    const conversation = before ?? after;
    return conversation === null ? `exchange ${exchangeId}` : `conversation ${groups.of(conversation)}`;
  };
  const wanted = new Set<string>();
  const broken = new Set<string>();
  for (const facts of factsOf(database)) {
    if (matches(facts, filter)) wanted.add(unitOf(facts));
    if (!facts.isReplayed) broken.add(unitOf(facts));
  }
  const kept = new Set<string>();
  let [exchanges, keptExchanges] = [0, 0];
  database.transaction(() => {
    database.exec("DELETE FROM scope_conversations");
    database.exec("DELETE FROM scope_exchanges");
    for (const facts of factsOf(database)) {
      const unit = unitOf(facts);
      if (!wanted.has(unit)) continue;
      const conversations = facts.conversations.filter((id) => id !== null);
      if (broken.has(unit)) {
        keptExchanges += 1;
        // What it is called now is nobody's business: it is not made anew.
        for (const id of conversations.slice(0, 1)) kept.add(id);
        continue;
      }
      exchanges += 1;
      database.run("INSERT INTO scope_exchanges VALUES (?, ?)", facts.exchangeId, unit);
      for (const id of conversations)
        database.run("INSERT OR IGNORE INTO scope_conversations VALUES (?, ?)", id, unit);
    }
    for (const each of [database, store])
      for (const [own, told] of rowsOf<[string, string]>(each, TOLD_ELSEWHERE))
        database.run(
          "INSERT OR IGNORE INTO scope_conversations SELECT ?, unit FROM scope_conversations WHERE key = ?",
          told,
          own,
        );
  });
  const { conversations } = database.get<{ conversations: number }>(
    "SELECT count(*) AS conversations FROM scope_conversations",
  )!;
  return { exchanges, conversations, keptExchanges, keptConversations: kept.size };
}

function unitsOf(shadow: Database, store: Database): Groups {
  const groups = new Groups();
  for (const { conversations } of factsOf(shadow)) {
    const [before, after] = conversations;
    if (before !== null && after !== null) groups.join(before, after);
  }
  for (const database of [shadow, store])
    for (const crossings of [CROSSINGS, TOLD_ELSEWHERE])
      for (const [own, other] of rowsOf<[string, string]>(database, crossings)) groups.join(own, other);
  const named = store.prepare(
    `SELECT c.id FROM nodes n JOIN conversations c ON c.number = n.conversation WHERE ${nodeNamed("?1")}`,
  );
  for (const [id, name] of rowsOf<[string, Compact]>(
    shadow,
    "SELECT c.id, message_id FROM nodes n JOIN conversations c ON c.number = n.conversation",
  )) {
    const holder = named.get(name) as { id: string } | undefined;
    if (holder !== undefined && holder.id !== id) groups.join(id, holder.id);
  }
  return groups;
}

function matches({ startedAt, projectors }: Facts, { since, projector }: ScopeFilter): boolean {
  const isNew = since === undefined || (startedAt !== null && startedAt >= since);
  return isNew && (projector === undefined || projectors.includes(projector));
}

function* factsOf(database: Database): Generator<Facts> {
  type Columns = [string, number | null, string | null, string | null, string | null, string | null, number];
  for (const [exchangeId, startedAt, before, after, was, is, replayed] of rowsOf<Columns>(database, FACTS))
    yield {
      exchangeId,
      startedAt,
      conversations: [before, after],
      projectors: [was, is],
      isReplayed: replayed === 1,
    };
}

function* rowsOf<T>(database: Database, sql: string): Generator<T> {
  const rows = database.iterate(sql);
  for (let next = rows.next(); next.done !== true; next = rows.next()) yield next.value as T;
}
