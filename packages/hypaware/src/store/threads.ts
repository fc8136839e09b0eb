import { ROOT, type ThreadConversation, type ThreadNode, type ThreadStore } from "../contract/thread.ts";
import { LIMITS } from "../contract/limits.ts";
import {
  compactHex,
  compactId,
  compactName,
  compactRole,
  hexOf,
  nameOf,
  nodeNamed,
  nodeWithKey,
  PARENT,
  parentOf,
  roleOf,
} from "./compact.ts";
import type { Compact } from "./compact.ts";
import type { Database } from "./database.ts";
import { KnownNodes } from "./known-nodes.ts";

interface NodeColumns {
  id: number;
  conversation_id: string;
  predecessor: number;
  match_key: Compact;
  message_id: Compact;
  role: string | number;
  depth: number;
  is_answer: number;
}

interface ConversationColumns {
  id: string;
  base: string;
  inferred: number;
  started_at: string;
  failed_leaf: number | null;
  named_after: string | null;
}

const NODES = `
  SELECT n.id, c.id AS conversation_id, predecessor, match_key, message_id, role, depth, is_answer
  FROM nodes n JOIN conversations c ON c.number = n.conversation`;
const CONVERSATIONS = `
  SELECT id, base, inferred, started_at, failed_leaf,
    (SELECT j.id FROM conversations j WHERE j.joined = c.number ORDER BY j.number LIMIT 1) AS named_after
  FROM conversations c`;
const NUMBER = "(SELECT number FROM conversations WHERE id = ?1)";
// Made once: who puts the text together for each call pays more for that than for finding the statement.
const CONVERSATION = `${CONVERSATIONS} WHERE number = (SELECT coalesce(joined, number) FROM conversations WHERE id = ?)`;
const NODE = `${NODES} WHERE n.id = ?`;
const NAMED = `${NODES} WHERE ${nodeNamed("?1")}`;
const CHILD = `${NODES} WHERE ${PARENT} = ${parentOf("?2", NUMBER)} AND conversation = ${NUMBER} AND ${nodeWithKey("?3")}`;
const ADD = `
  INSERT INTO nodes (conversation, predecessor, match_key, message_id, role, depth, is_answer, inferred)
  VALUES (${NUMBER}, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT inferred FROM conversations WHERE id = ?1)) RETURNING id`;

/** What identity remembers, in the catalog. Writes belong to the caller's transaction. */
export class Threads implements ThreadStore {
  readonly #database: Database;
  readonly #known = new KnownNodes(LIMITS.knownNodes);
  /** An exchange asks for its own four times. */
  readonly #conversations = new Map<string, ThreadConversation>();
  /** Conversations that were made here and have no message yet: of them there is nothing to be read. */
  readonly #empty = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
    database.onRollback(() => this.forgetKnown());
  }

  /** Nodes or conversations were written past this: what is known of them is not true any more. */
  forgetKnown(): void {
    this.#known.clear();
    this.#conversations.clear();
    this.#empty.clear();
  }

  conversation(id: string): ThreadConversation | undefined {
    const known = this.#conversations.get(id);
    if (known !== undefined) return known;
    const columns = this.#database.get<ConversationColumns>(CONVERSATION, id);
    if (columns === undefined) return undefined;
    const conversation = conversationOf(columns);
    if (this.#conversations.size === LIMITS.knownConversations) this.#conversations.clear();
    // Under another name it would not be found when it changes.
    if (conversation.id === id) this.#conversations.set(id, conversation);
    return conversation;
  }

  /** When the conversation and those that were joined to it began, milliseconds since 1970. */
  beginnings(id: string): readonly number[] {
    return this.#database
      .all<{ at: string }>(
        `SELECT started_at AS at FROM conversations WHERE id = ?1 OR joined = ${NUMBER}`,
        id,
      )
      .map(({ at }) => Date.parse(at));
  }

  countConversations(base: string): number {
    return this.#database.get<{ count: number }>(
      "SELECT count(*) AS count FROM conversations WHERE base = ?",
      base,
    )!.count;
  }

  addConversation({ id, base, inferred, startedAt, failedLeaf }: ThreadConversation): void {
    this.#database.run(
      "INSERT INTO conversations (id, base, inferred, started_at, failed_leaf) VALUES (?, ?, ?, ?, ?)",
      id,
      base,
      inferred ? 1 : 0,
      startedAt,
      failedLeaf,
    );
    if (this.#empty.size === LIMITS.knownConversations) this.#empty.clear();
    this.#empty.add(id);
  }

  setFailedLeaf(conversationId: string, node: number | null): void {
    this.#conversations.delete(conversationId);
    this.#database.run("UPDATE conversations SET failed_leaf = ? WHERE id = ?", node, conversationId);
  }

  failedConversations(base: string, limit: number): readonly ThreadConversation[] {
    return this.#database
      .all<ConversationColumns>(
        `${CONVERSATIONS} WHERE failed_leaf IS NOT NULL AND number IN (
           SELECT number FROM conversations WHERE base = ?1 AND inferred = 1 AND failed_leaf IS NOT NULL
           UNION SELECT joined FROM conversations WHERE base = ?1 AND joined IS NOT NULL)
         ORDER BY number DESC LIMIT ?2`,
        base,
        limit,
      )
      .map(conversationOf);
  }

  node(id: number): ThreadNode | undefined {
    if (id === ROOT) return undefined;
    return this.#known.node(id) ?? this.#one(NODE, id);
  }

  child(conversationId: string, predecessor: number, matchKey: string): ThreadNode | undefined {
    const known = this.#known.child(conversationId, predecessor, matchKey);
    const isLeaf = this.#known.isLeaf(predecessor) || this.#empty.has(conversationId);
    if (known !== undefined || isLeaf) return known;
    return this.#one(CHILD, conversationId, predecessor, compactHex(matchKey));
  }

  children(conversationId: string, predecessor: number): readonly ThreadNode[] {
    if (this.#known.isLeaf(predecessor)) return [];
    return this.#database
      .all<NodeColumns>(
        `${NODES} WHERE conversation = ${NUMBER} AND predecessor = ?2 ORDER BY n.id`,
        conversationId,
        predecessor,
      )
      .map(nodeOf);
  }

  /** All of a conversation, oldest first. */
  of(conversationId: string): readonly ThreadNode[] {
    return this.#database
      .all<NodeColumns>(`${NODES} WHERE conversation = ${NUMBER} ORDER BY n.id`, conversationId)
      .map(nodeOf);
  }

  hasChildren(node: number): boolean {
    if (this.#known.isLeaf(node)) return false;
    return this.#database.get(`SELECT 1 FROM nodes WHERE ${PARENT} = ? LIMIT 1`, node) !== undefined;
  }

  withKey(conversationId: string, matchKey: string): readonly ThreadNode[] {
    return this.#database
      .all<NodeColumns>(
        `${NODES} WHERE conversation = ${NUMBER} AND ${nodeWithKey("?2")} ORDER BY n.id`,
        conversationId,
        compactHex(matchKey),
      )
      .map(nodeOf);
  }

  origin(conversationId: string): ThreadNode | undefined {
    return this.#one(
      `${NODES} WHERE n.id = (
         SELECT own.predecessor FROM nodes own JOIN nodes above ON above.id = own.predecessor
         WHERE own.conversation = ${NUMBER} AND above.conversation <> own.conversation ORDER BY own.id LIMIT 1)`,
      conversationId,
    );
  }

  inferredAnswers(matchKey: string, limit: number): readonly ThreadNode[] {
    return this.#database
      .all<NodeColumns>(
        `${NODES} WHERE match_key = ? AND n.inferred = 1 AND is_answer = 1 ORDER BY n.id DESC LIMIT ?`,
        compactHex(matchKey),
        limit,
      )
      .map(nodeOf);
  }

  named(messageId: string): ThreadNode | undefined {
    return this.#one(NAMED, compactName(messageId));
  }

  add(node: Omit<ThreadNode, "id">): ThreadNode {
    const { id } = this.#database.get<{ id: number }>(
      ADD,
      node.conversationId,
      node.predecessor,
      compactHex(node.matchKey),
      compactName(node.messageId),
      compactRole(node.role),
      node.depth,
      node.isAnswer ? 1 : 0,
    )!;
    this.#empty.delete(node.conversationId);
    return this.#known.grow({ ...node, id });
  }

  markAnswer(node: number): void {
    this.#database.run("UPDATE nodes SET is_answer = 1 WHERE id = ?", node);
    const known = this.#known.node(node);
    if (known !== undefined) this.#known.add({ ...known, isAnswer: true });
  }

  response(responseId: string): ThreadNode | undefined {
    return this.#one(`${NODES} JOIN responses r ON r.node = n.id WHERE r.id = ?`, compactId(responseId));
  }

  rememberResponse(responseId: string, node: number): void {
    this.#database.run("INSERT OR REPLACE INTO responses VALUES (?, ?)", compactId(responseId), node);
  }

  toolName(conversationId: string, toolCallId: string): string | undefined {
    return this.#database.get<{ name: string }>(
      `SELECT name FROM tool_names WHERE conversation = ${NUMBER} AND call = ?2`,
      conversationId,
      compactId(toolCallId),
    )?.name;
  }

  rememberTool(conversationId: string, toolCallId: string, name: string): void {
    this.#database.run(
      `INSERT OR REPLACE INTO tool_names VALUES (${NUMBER}, ?2, ?3)`,
      conversationId,
      compactId(toolCallId),
      name,
    );
  }

  hasFailedAttempts(scope: string): boolean {
    return this.#database.get("SELECT 1 FROM failed_attempts WHERE scope = ? LIMIT 1", scope) !== undefined;
  }

  failedAttempt(scope: string, requestDigest: string): string | undefined {
    return this.#database.get<{ exchange_id: string }>(
      "SELECT exchange_id FROM failed_attempts WHERE scope = ? AND digest = ?",
      scope,
      requestDigest,
    )?.exchange_id;
  }

  /** Only the last attempt of a request counts: once it succeeded, the same request again is no retry. */
  rememberAttempt(scope: string, requestDigest: string, exchangeId: string, failed: boolean): void {
    if (failed) {
      this.#database.run(
        "INSERT OR REPLACE INTO failed_attempts VALUES (?, ?, ?)",
        scope,
        requestDigest,
        exchangeId,
      );
    } else {
      this.#database.run("DELETE FROM failed_attempts WHERE scope = ? AND digest = ?", scope, requestDigest);
    }
  }

  #one(sql: string, ...values: (Compact | number)[]): ThreadNode | undefined {
    const columns = this.#database.get<NodeColumns>(sql, ...values);
    return columns && this.#known.add(nodeOf(columns));
  }
}

function nodeOf(columns: NodeColumns): ThreadNode {
  return {
    id: columns.id,
    conversationId: columns.conversation_id,
    predecessor: columns.predecessor,
    matchKey: hexOf(columns.match_key),
    messageId: nameOf(columns.message_id),
    role: roleOf(columns.role),
    depth: columns.depth,
    isAnswer: columns.is_answer === 1,
  };
}

function conversationOf(columns: ConversationColumns): ThreadConversation {
  return {
    id: columns.id,
    base: columns.base,
    inferred: columns.inferred === 1,
    startedAt: columns.started_at,
    failedLeaf: columns.failed_leaf,
    ...(columns.named_after === null ? {} : { namedAfter: columns.named_after }),
  };
}
