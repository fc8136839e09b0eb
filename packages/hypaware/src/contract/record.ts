import type { RequestClass } from "./exchange.ts";
import type { JsonObject, ProjectedMessage, Usage } from "./projection.ts";
import type { ThreadConversation } from "./thread.ts";

/** A message as the client's own record has it: one line of a transcript. */
export interface RecordEntry {
  /** As the client's projector names it. */
  readonly conversation_id: string;
  readonly session_id: string;
  readonly request_class: RequestClass;
  readonly provider: string;
  readonly message: RecordedMessage;
  /** Its content travels: a request or an answer holds it. The rest are the client's own remarks. */
  readonly is_on_wire: boolean;
  /** Ids of calls that the client made something else of: with what they were made the wire alone tells. */
  readonly changed_calls?: readonly string[];
  /** The wire calls it by the same name: it is known by that alone, never by its content. */
  readonly is_named_on_wire?: boolean;
  /** The record may say more of it later, under the same name: that takes this one's place. */
  readonly may_grow?: boolean;
  /** Where it stands in its record, ascending; a fork's record may count on. */
  readonly place?: number;
  /** In place of a predecessor's name: the last entry of another conversation before a place there, as where a fork begins. */
  readonly goes_on_from?: { readonly conversation_id: string; readonly before: number };
  /** The session that this one was forked off, where its record says so. */
  readonly forked_from?: string;
  /** The session in which this was said, where a line says that it is another: a fork repeats it. */
  readonly said_in?: string;
  readonly conversation_source?: string;
  readonly client_name?: string;
  readonly client_version?: string;
  readonly model?: string;
  readonly cwd?: string;
  readonly git_branch?: string;
}

export interface RecordedMessage extends ProjectedMessage {
  readonly message_id: string;
  /** The entry before it in the record; `[]` at a root. */
  readonly previous_message_id: readonly string[];
  readonly message_created_at: string;
}

/** What the client says that a response cost: what the provider told it, or its own guess. */
export interface RecordedResponse {
  readonly conversation_id: string;
  readonly session_id: string;
  readonly request_class: RequestClass;
  readonly provider: string;
  /** The provider's names of it, as far as the client keeps them; none at all means that only its messages tell which one it is. */
  readonly response_id?: string;
  readonly request_id?: string;
  /** RecordedAttempt.attempt_id. */
  readonly attempt_id?: string;
  /** Entries that it brought. */
  readonly message_ids?: readonly string[];
  readonly model?: string;
  /** As the provider said it. */
  readonly stop_reason?: string;
  /** ISO 8601. */
  readonly responded_at: string;
  readonly usage: Usage;
  /** The answer was cut, and the client guesses. */
  readonly is_estimate?: boolean;
}

/** A request for an answer, as a client notes it before it sends it: each attempt is one. */
export interface RecordedAttempt {
  readonly conversation_id: string;
  readonly session_id: string;
  readonly attempt_id: string;
  /** The attempt before it in its conversation, made by the same process of the client. */
  readonly follows?: string;
  /** As the projector gives it (ExchangeFacts) of an exchange without a whole answer. */
  readonly request_digest?: string;
}

/** How the last attempt before it in its conversation failed. */
export interface RecordedFailure {
  readonly conversation_id: string;
  readonly session_id: string;
  /** Of the answer; missing: none came. */
  readonly status_code?: number;
  readonly request_id?: string;
}

/** What the client says that a session cost so far with one model, side calls included; a fork's begins with that of the session it left. */
export interface RecordedTotal {
  readonly session_id: string;
  readonly model: string;
  readonly usage: Usage;
  /** ISO 8601: when the client added up. */
  readonly counted_at: string;
}

/** What one line says. */
export interface RecordReading {
  readonly entries?: readonly RecordEntry[];
  /** A response may be told with each of its messages. */
  readonly responses?: readonly RecordedResponse[];
  readonly totals?: readonly RecordedTotal[];
  readonly attempts?: readonly RecordedAttempt[];
  readonly failures?: readonly RecordedFailure[];
  /** For the line behind it in the same file, kept with how far the file was read; without it what was there stays. */
  readonly memory?: JsonObject;
}

/** What several lines say. */
export type RecordBatch = Required<Pick<RecordReading, "entries" | "responses">>;

/** Where a line stands. */
export interface RecordLine {
  readonly text: string;
  /** Of the file below its root, with `/` between its parts. */
  readonly path: string;
  /** Of the lines before it; `{}` at the beginning of a file. */
  readonly memory: JsonObject;
  /** What stands in the file beside it (ClientRecord.beside). */
  readonly beside?: string;
}

/** A part of the wire without an entry. */
export interface UntoldMessage {
  readonly role: string;
  readonly part_type: string;
  /** The beginning of its text, at most 200 characters. */
  readonly text: string;
}

interface RecordOfClient {
  readonly name: string;
  /** As it is registered with the gateway. */
  readonly client: string;
  /** False: it is read only when the person asks for it. */
  readonly isFollowed?: boolean;
  /** Pure. Whether the client sends such a message and keeps no entry of it: a reminder that it adds to what was said. */
  isUntold?(message: UntoldMessage): boolean;
  /** Pure. Whether `sent` is what the record has as `told` with nothing but the client's own frame around it. */
  isSentAs?(told: string, sent: string): boolean;
}

/** The record that a client keeps of its conversations: folders of files that it appends lines to. They are only read. */
export interface ClientRecord extends RecordOfClient {
  /** Absolute folders. What does not exist is looked for again. */
  readonly roots: readonly string[];
  /** Whether a file below a root belongs to the record; its path is as in RecordLine. */
  accepts(path: string): boolean;
  /** When a file came into being, milliseconds since 1970, where its name says it: one that was moved or compressed is younger itself. */
  bornAt?(path: string): number | undefined;
  /** Pure. The root of a file in which the client says that this session's record is. `undefined`: it is no such file. */
  rootOf?(file: string, sessionId: string): string | undefined;
  /** Pure. The name of a file in the same folder that says more of this one, and is there before it. */
  beside?(path: string): string | undefined;
  /** Pure. `undefined`: the line says nothing, or is none of the client's. */
  read(line: RecordLine): RecordReading | undefined;
}

/** A row of a client's own database: text, numbers and null. */
export type DatabaseRow = Readonly<Record<string, string | number | null>>;

/**
 * The same of a client that keeps its record in an SQLite database. It is only read, and never locked. Its rows are messages, and
 * change until they are whole.
 */
export interface ClientDatabase extends RecordOfClient {
  /** Absolute. What does not exist is looked for again. */
  readonly database: string;
  /** A SELECT of the sessions that changed at `:since` (a number that grows with each change) or later: columns `id` and `changed`, oldest change first. */
  readonly sessions: string;
  /** A SELECT of what `:session` holds behind the row `:after` (`''`: from its beginning), in order, with a column `id`. */
  readonly rows: string;
  /**
   * Pure. `unfinished`: the row is not whole yet; it and those behind it are asked for again. `memory`: of the rows before it in its
   * session, `{}` at the beginning. A session may be read again from there.
   */
  read(row: DatabaseRow, memory: JsonObject): RecordReading | "unfinished";
}

export type AnyClientRecord = ClientRecord | ClientDatabase;

/** Why an entry is taken for a message of the wire; each is surer than the one behind it (projection/link.ts). */
export const BONDS = ["key", "path", "below"] as const;
export type Bond = (typeof BONDS)[number];

/** Of entries whose predecessor the record names and does not have. */
export const UNKNOWN = -1;

/** An entry as linking sees it: a tree per conversation, as nodes of the wire are (thread.ts). */
export interface RecordNode {
  /** Internal, ascending in the order of reading. */
  readonly id: number;
  readonly conversationId: string;
  readonly messageId: string;
  /** RecordNode id, ROOT or UNKNOWN. */
  readonly predecessor: number;
  /** The predecessor lies behind a compaction: for the client this is a root. */
  readonly isRestart: boolean;
  /** null: it does not travel. */
  readonly matchKey: string | null;
  readonly role: string;
  /** Root 0, else 1 + the predecessor's. */
  readonly depth: number;
  /** Its rows stand in this conversation. False: a fork repeats what was said where it left. */
  readonly isHome: boolean;
  readonly link: RecordLink | null;
}

export interface RecordLink {
  /** ThreadNode id. */
  readonly node: number;
  readonly bond: Bond;
}

export interface RecordStore {
  /** Whether anything is recorded of the conversation. */
  has(conversationId: string): boolean;
  node(id: number): RecordNode | undefined;
  named(conversationId: string, messageId: string): RecordNode | undefined;
  /** In whichever conversation its rows stand. */
  home(messageId: string): RecordNode | undefined;
  /** The entry that a message of the wire is linked with. */
  ofThreadNode(node: number): RecordNode | undefined;
  /** Oldest first. */
  withLink(conversationId: string, key: string): readonly RecordNode[];
  /** ThreadNode ids, oldest first; inferred conversations' among them. */
  threadNodesWithLink(conversationId: string, key: string): readonly number[];
  rememberLinks(conversation: ThreadConversation, threadNode: number, keys: readonly string[]): void;
  /** Without a bond of `key` or `path`, oldest first. */
  open(conversationId: string, matchKey: string): readonly RecordNode[];
  /** Match keys of the entries whose bond is `below`. */
  looseKeys(conversationId: string): readonly string[];
  setLink(id: number, link: RecordLink | null): void;
}

/** Where a key that joins conversations was found (ProjectedMessage.joins). */
export interface JoinPlace {
  readonly conversationId: string;
  /** null: the wire does not say. */
  readonly sessionId: string | null;
  /** When it was said, milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}
