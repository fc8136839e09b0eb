import type { RequestClass } from "./exchange.ts";
import type { ProjectedMessage } from "./projection.ts";

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

/** The record that a client keeps of its conversations: folders of files that it appends lines to. They are only read. */
export interface ClientRecord {
  readonly name: string;
  /** Absolute folders. What does not exist is looked for again. */
  readonly roots: readonly string[];
  /** Whether a file below a root belongs to the record. `relativePath` has `/` between its parts. */
  accepts(relativePath: string): boolean;
  /** Pure. `undefined`: the line says nothing of a message, or is none of the client's. */
  read(line: string, relativePath: string): RecordEntry | undefined;
}
