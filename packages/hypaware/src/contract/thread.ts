// What identity remembers between exchanges, as an interface: the store keeps it in the catalog, in the transaction that
// also writes the rows; tests keep it in memory. A thread is a tree: resent histories walk it, edits and forks branch it.

/** Predecessor of a conversation's first messages. */
export const ROOT = 0;

export interface ThreadNode {
  /** Internal, ascending, never reused. Not a name: `messageId` is. */
  readonly id: number;
  readonly conversationId: string;
  /** Node id, or ROOT. */
  readonly predecessor: number;
  /** Hex digest of role and content in normal form (projection/match-key.ts). */
  readonly matchKey: string;
  readonly messageId: string;
  readonly role: string;
  /** Root 0, else 1 + the predecessor's. */
  readonly depth: number;
  /** Came in a response, not only in a request's history. */
  readonly isAnswer: boolean;
}

export interface ThreadConversation {
  readonly id: string;
  /** The id without `:#n`; equal to `id` when the wire named the conversation. */
  readonly base: string;
  readonly inferred: boolean;
  /** Of one that was joined: the id that it was inferred under. Names of its messages are still made of that. */
  readonly namedAfter?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Last node of a request that failed and was not answered since; null otherwise. */
  readonly failedLeaf: number | null;
}

export interface ThreadStore {
  /** One that was joined is the one that it is now. */
  conversation(id: string): ThreadConversation | undefined;
  /** How many conversations share the base: the next one is `<base>:#<count + 1>`. */
  countConversations(base: string): number;
  addConversation(conversation: ThreadConversation): void;
  setFailedLeaf(conversationId: string, node: number | null): void;
  /** Inferred conversations of this base, or joined from one of it, whose last attempt failed, newest first, at most `limit`. */
  failedConversations(base: string, limit: number): readonly ThreadConversation[];

  node(id: number): ThreadNode | undefined;
  child(conversationId: string, predecessor: number, matchKey: string): ThreadNode | undefined;
  /** Oldest first. */
  children(conversationId: string, predecessor: number): readonly ThreadNode[];
  hasChildren(node: number): boolean;
  /** Oldest first. */
  withKey(conversationId: string, matchKey: string): readonly ThreadNode[];
  /** Where a fork left: the first message of another conversation below which this one goes on. */
  origin(conversationId: string): ThreadNode | undefined;
  /** Answers with this key in inferred conversations, newest first, at most `limit`. */
  inferredAnswers(matchKey: string, limit: number): readonly ThreadNode[];
  /** The node that carries this name, in whichever conversation. Names are unique in the store. */
  named(messageId: string): ThreadNode | undefined;
  add(node: Omit<ThreadNode, "id">): ThreadNode;
  /** A history entry turned out to be an answer, or the other way round; the rest of a node never changes here. */
  markAnswer(node: number): void;

  /** Where the response with this id ended. */
  response(responseId: string): ThreadNode | undefined;
  rememberResponse(responseId: string, node: number): void;

  toolName(conversationId: string, toolCallId: string): string | undefined;
  rememberTool(conversationId: string, toolCallId: string, name: string): void;

  hasFailedAttempts(scope: string): boolean;
  /** Exchange of this conversation whose attempt with this request digest failed, newest first; for `retry_of`. */
  failedAttempt(scope: string, requestDigest: string): string | undefined;
  rememberAttempt(scope: string, requestDigest: string, exchangeId: string, failed: boolean): void;
}
