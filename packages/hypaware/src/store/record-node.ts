import { BONDS, type RecordNode } from "../contract/record.ts";

/** As `ENTRIES` gives them. */
export interface EntryColumns {
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
export function nodeOf(columns: EntryColumns): RecordNode {
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
