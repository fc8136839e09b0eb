import { BONDS, type RecordNode } from "../contract/record.ts";
import type { Database } from "./database.ts";

/** As `ENTRIES` gives them. */
interface EntryColumns {
  id: number;
  conversation_id: string;
  message_id: string;
  predecessor: number;
  is_restart: number;
  match_key: string | null;
  role: string;
  depth: number;
  node: number | null;
  bond: number | null;
  is_home: number;
}

/** Entries with the conversation in which they stand; `m` and `c` are theirs. */
export const ENTRIES = `
  SELECT m.id, c.id AS conversation_id, message_id, predecessor, is_restart, match_key, role, depth, node, bond,
    payload IS NOT NULL AS is_home
  FROM record_messages m JOIN record_conversations c ON c.number = m.conversation`;

/** Of a conversation by its id. */
export const NUMBER = "(SELECT number FROM record_conversations WHERE id = ?1)";

/** What a statement that begins with ENTRIES finds. */
export function readNodes(
  database: Database,
  sql: string,
  ...values: (string | number | Uint8Array)[]
): readonly RecordNode[] {
  return database.all<EntryColumns>(sql, ...values).map(nodeOf);
}

function nodeOf(columns: EntryColumns): RecordNode {
  const { node, bond } = columns;
  return {
    id: columns.id,
    conversationId: columns.conversation_id,
    messageId: columns.message_id,
    predecessor: columns.predecessor,
    isRestart: columns.is_restart === 1,
    matchKey: columns.match_key,
    role: columns.role,
    depth: columns.depth,
    isHome: columns.is_home === 1,
    link: node === null || bond === null ? null : { node, bond: BONDS[bond]! },
  };
}
