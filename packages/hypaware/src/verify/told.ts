// What a client's own record says, session by session: enough of each message and response to compare it with the store.

import type { Usage } from "../contract/projection.ts";
import { LIMITS } from "../contract/limits.ts";
import type {
  AnyClientRecord,
  RecordedAttempt,
  RecordedFailure,
  RecordedResponse,
  RecordedTotal,
  RecordEntry,
} from "../contract/record.ts";
import { readRecordFile, type RecordPath } from "../notes/whole-record.ts";
import { parseEntry } from "../projection/intake.ts";
import { type Fields, toldAlone, toldMessage, toldPart } from "./fields.ts";

export interface ToldMessage {
  readonly conversationId: string;
  /** `<file>:<line>`, below the record's root. */
  readonly place: string;
  readonly file: RecordPath;
  readonly fields: Fields;
  /** OWN_FIELDS */
  readonly own: Fields;
  readonly parts: readonly Fields[];
  /** Its content travels. */
  readonly isOnWire: boolean;
  /** A later line may say more of it. */
  readonly mayGrow: boolean;
}

export interface ToldResponse {
  readonly conversationId: string;
  readonly responseId: string | undefined;
  readonly requestId: string | undefined;
  readonly requestClass: string;
  readonly model: string | undefined;
  readonly stopReason: string | undefined;
  readonly usage: Usage;
  readonly isEstimate: boolean;
  readonly attemptId: string | undefined;
  /** Messages that it brought. */
  readonly messageIds: readonly string[];
  readonly place: string;
}

export interface ToldAttempt {
  readonly attemptId: string;
  readonly conversationId: string;
  /** The attempt before it, by the same process. */
  readonly follows: string | undefined;
  readonly digest: string | undefined;
  readonly failure: Pick<RecordedFailure, "status_code" | "request_id"> | undefined;
  readonly place: string;
}

export interface ToldSession {
  readonly sessionId: string;
  /** By native id. */
  readonly messages: ReadonlyMap<string, ToldMessage>;
  readonly responses: readonly ToldResponse[];
  /** In the order in which they were made. */
  readonly attempts: readonly ToldAttempt[];
  /** Of lines that repeat what another session said. */
  readonly copies: number;
  readonly totals: readonly RecordedTotal[];
}

export interface Told {
  readonly sessions: ReadonlyMap<string, ToldSession>;
  /** Native ids of all sessions. */
  readonly known: ReadonlySet<string>;
  /** Files and lines that could not be read, with the reason. */
  readonly unreadable: readonly string[];
}

interface Growing {
  readonly messages: Map<string, ToldMessage>;
  readonly responses: Map<string, ToldResponse>;
  readonly attempts: Map<string, ToldAttempt>;
  readonly totals: RecordedTotal[];
  copies: number;
}

/** `paths` in the order in which they came into being. `onFile`: before each. */
export async function readTold(
  record: AnyClientRecord,
  paths: readonly RecordPath[],
  onFile: (path: RecordPath) => void = () => {},
): Promise<Told> {
  const teller = new Teller();
  const unreadable: string[] = [];
  for (const path of paths) {
    onFile(path);
    try {
      for await (const { reading, line, isTooLong } of readRecordFile(record, path)) {
        const place = `${path.path}:${line}`;
        if (isTooLong) unreadable.push(`${place}: longer than ${LIMITS.noteLineBytes} bytes`);
        for (const entry of reading.entries ?? []) teller.message(entry, place, path);
        for (const response of reading.responses ?? []) teller.response(response, place);
        for (const attempt of reading.attempts ?? []) teller.attempt(attempt, place);
        for (const failure of reading.failures ?? []) teller.failure(failure);
        for (const total of reading.totals ?? []) teller.total(total);
      }
    } catch (error) {
      unreadable.push(`${path.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { sessions: teller.sessions(), known: new Set(teller.homes.keys()), unreadable };
}

class Teller {
  /** In which session a message was said first. */
  readonly homes = new Map<string, string>();
  readonly #sessions = new Map<string, Growing>();
  /** By conversation, of which nothing else is told yet. */
  readonly #pending = new Map<string, string>();
  /** By conversation, where entries stand in its record. */
  readonly #places = new Map<string, { readonly place: number; readonly id: string }[]>();
  /** Most values of a line are those of the line before it: each is held once. */
  readonly #texts = new Map<string, string>();

  message(given: RecordEntry, place: string, file: RecordPath): void {
    const parsed = parseEntry(given);
    if (parsed === undefined) return;
    const { entry, blocks } = parsed;
    const { message_id: id } = entry.message;
    const session = this.#session(entry.session_id);
    const home = this.homes.get(id);
    if (home !== undefined && home !== entry.session_id) {
      session.copies += 1;
      return;
    }
    const known = session.messages.get(id);
    // A file that was written anew says again what it said; one that goes on may say more.
    if (known !== undefined && !(known.mayGrow && entry.may_grow === true)) return;
    this.homes.set(id, entry.session_id);
    if (given.place !== undefined) {
      const places = this.#places.get(entry.conversation_id) ?? [];
      places.push({ place: given.place, id });
      this.#places.set(entry.conversation_id, places);
    }
    session.messages.set(id, {
      conversationId: this.#once(entry.conversation_id),
      place,
      file,
      fields: toldMessage(entry, this.#previous(given)).map((value) => value && this.#once(value)),
      own: toldAlone(entry).map((value) => value && this.#once(value)),
      parts: blocks.map((block) =>
        toldPart(block, given.changed_calls).map((value) => value && this.#once(value)),
      ),
      isOnWire: entry.is_on_wire,
      mayGrow: entry.may_grow === true,
    });
  }

  response(told: RecordedResponse, place: string): void {
    const ids = told.message_ids ?? [];
    if (ids.some((id) => (this.homes.get(id) ?? told.session_id) !== told.session_id)) return;
    const { responses } = this.#session(told.session_id);
    const key = told.response_id ?? told.request_id ?? ids[0] ?? place;
    const before = responses.get(key);
    responses.set(key, {
      conversationId: told.conversation_id,
      responseId: told.response_id,
      requestId: told.request_id ?? before?.requestId,
      requestClass: told.request_class,
      model: told.model ?? before?.model,
      stopReason: told.stop_reason ?? before?.stopReason,
      usage: told.usage,
      isEstimate: told.is_estimate === true || before?.isEstimate === true,
      attemptId: told.attempt_id ?? before?.attemptId,
      messageIds: [...new Set([...(before?.messageIds ?? []), ...ids])],
      place: before?.place ?? place,
    });
    this.#pending.delete(told.conversation_id);
  }

  attempt(told: RecordedAttempt, place: string): void {
    const { attempts } = this.#session(told.session_id);
    const { attempt_id: attemptId, conversation_id: conversationId, follows, request_digest: digest } = told;
    if (attempts.has(attemptId)) return;
    attempts.set(attemptId, { attemptId, conversationId, follows, digest, failure: undefined, place });
    this.#pending.set(conversationId, attemptId);
  }

  failure({ conversation_id: conversationId, session_id: session, ...failure }: RecordedFailure): void {
    const { attempts } = this.#session(session);
    const attempt = attempts.get(this.#pending.get(conversationId) ?? "");
    if (attempt !== undefined) attempts.set(attempt.attemptId, { ...attempt, failure });
    this.#pending.delete(conversationId);
  }

  total(total: RecordedTotal): void {
    this.#session(total.session_id).totals.push(total);
  }

  sessions(): ReadonlyMap<string, ToldSession> {
    return new Map(
      [...this.#sessions].map(([sessionId, { responses, attempts, ...session }]) => [
        sessionId,
        { sessionId, ...session, responses: [...responses.values()], attempts: [...attempts.values()] },
      ]),
    );
  }

  /** undefined: it lies in a record that we did not read. */
  #previous({ goes_on_from: from, message }: RecordEntry): readonly string[] | undefined {
    if (from === undefined) return message.previous_message_id;
    const before = (this.#places.get(from.conversation_id) ?? []).filter(({ place }) => place < from.before);
    if (before.length === 0) return undefined;
    return [before.reduce((last, each) => (each.place >= last.place ? each : last)).id];
  }

  #once(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }

  #session(id: string): Growing {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const session: Growing = {
      messages: new Map(),
      responses: new Map(),
      attempts: new Map(),
      totals: [],
      copies: 0,
    };
    this.#sessions.set(id, session);
    return session;
  }
}
