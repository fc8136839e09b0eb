import type { JsonObject } from "../../../contract/plugin.ts";
import {
  type Call,
  outputTokensOf,
  type Piece,
  type Thread,
  type Utterance,
} from "../conversation.testkit.ts";
import type { Form, Written, WrittenLine } from "../form.testkit.ts";
import { pieceGrain } from "../grain.testkit.ts";
import type { Vertex } from "../graph.testkit.ts";
import { exchangeIdOf, startOf, worded } from "../words.testkit.ts";
import { blocksOf, messageIdOf } from "./anthropic.testkit.ts";
import { agentOf, claudeCode, SAYS, sessionOf } from "./claude-code.testkit.ts";

/** Claude Code that writes down what was said, as it does: a line for a block, chained by `parentUuid`. */
export const claudeRecorded: Form = {
  ...claudeCode,
  name: "Claude Code and its transcripts",
  isForkAnswered: true,
  written(tree, calls) {
    const transcripts = new Transcripts(tree);
    for (const call of calls) transcripts.take(call);
    return transcripts;
  },
};

interface End {
  readonly uuid: string | null;
  /** When it was written. */
  readonly order: number;
}

interface File {
  readonly path: string;
  readonly session: string;
  readonly thread: Thread;
  readonly lines: JsonObject[];
  /** By utterance: the last line of it. */
  readonly ends: Map<number, End>;
}

class Transcripts implements Written {
  readonly lines: WrittenLine[] = [];
  readonly vertices: Vertex[] = [];
  readonly told = new Map<number, readonly (string | undefined)[]>();
  readonly #tree: string;
  readonly #files = new Map<number, File>();
  /** By utterance: the call that brought it. */
  readonly #brought = new Map<number, Call>();
  #order = 0;
  #last: string | null = null;

  constructor(tree: string) {
    this.#tree = tree;
  }

  take({ thread, path, outcome, answer, ...call }: Call): void {
    if (answer !== undefined) this.#brought.set(answer.serial, { thread, path, outcome, answer, ...call });
    // Of a compaction only what came of it is written down.
    if (path.at(-1)!.stands === "compaction") return;
    const file = this.#files.get(thread.index) ?? this.#begin(thread);
    let at: End = { uuid: null, order: -1 };
    for (const utterance of path) {
      const end = file.ends.get(utterance.serial) ?? this.#say(file, utterance, at.uuid);
      // What a compaction kept was written before it, and is not written again.
      if (end.order > at.order) at = end;
    }
    if (outcome === "refused") {
      const uuid = this.#write(file, { type: "system", subtype: "api_error" }, at.uuid, "system: system ");
      file.ends.set(path.at(-1)!.serial, { uuid, order: ++this.#order });
    }
    if (outcome === "ok") this.#say(file, answer!, at.uuid);
  }

  /** A fork's file begins with the lines of the one that it left. */
  #begin(thread: Thread): File {
    const session = sessionOf(this.#tree, thread);
    const name = thread.kind === "agent" ? `${session}/subagents/agent-${agentOf(thread)}` : session;
    const origin = thread.kind === "fork" ? this.#files.get(thread.from!.index) : undefined;
    const path = `.claude/projects/-project/${name}.jsonl`;
    const file: File = { path, session, thread, lines: [], ends: new Map(origin?.ends) };
    for (const line of origin?.lines ?? []) this.#append(file, { ...line, sessionId: session });
    this.#files.set(thread.index, file);
    return file;
  }

  #say(file: File, utterance: Utterance, above: string | null): End {
    const { role, stands, serial } = utterance;
    this.#last = above;
    if (stands === "summary") {
      const boundary = { type: "system", subtype: "compact_boundary", logicalParentUuid: this.#newest(file) };
      this.#last = this.#write(file, boundary, null, "system: system ");
    }
    const told = worded(utterance, SAYS).pieces.map((piece, index) => {
      if (piece.kind === "reminder") return undefined;
      const brought = role === "assistant" ? this.#broughtBy(serial) : undefined;
      const line = {
        type: role,
        message: { ...brought?.message, role, content: contentOf(piece, role) },
        ...(brought === undefined ? {} : { ...brought.line, apiBlockIndex: index }),
        ...(stands === "summary" ? { isCompactSummary: true } : {}),
      };
      const label = `${role}: ${pieceGrain(piece, role).parts.join(" + ")}`;
      return (this.#last = this.#write(file, line, this.#last, label));
    });
    this.told.set(serial, told);
    // What the client says to itself hangs in the chain, too.
    if (role === "user" && serial % 3 === 0) {
      const line = { type: "attachment", attachment: { type: "date" } };
      this.#last = this.#write(file, line, this.#last, "system: attachment ");
    }
    const end = { uuid: this.#last, order: ++this.#order };
    file.ends.set(serial, end);
    return end;
  }

  /** What each line of an answer says of the whole of it; of one that broke off the client guesses what it cost. */
  #broughtBy(serial: number): { readonly message: JsonObject; readonly line: JsonObject } {
    const call = this.#brought.get(serial)!;
    const isCut = call.outcome === "cut";
    const usage = { input_tokens: 1, output_tokens: isCut ? 1 : outputTokensOf(call) };
    const stop_reason = isCut ? null : "end_turn";
    return {
      message: { id: messageIdOf(this.#tree, call), model: "claude-opus-5-5", stop_reason, usage },
      line: {
        requestId: `req_${exchangeIdOf(this.#tree, call)}`,
        ...(isCut && { isAbortedMidStream: true }),
      },
    };
  }

  #newest(file: File): string | null {
    return (file.lines.at(-1)?.["uuid"] as string | undefined) ?? null;
  }

  #write(file: File, line: JsonObject, parentUuid: string | null, label: string): string {
    const { kind } = file.thread;
    const serial = this.vertices.length;
    const uuid = `uuid-${this.#tree}-${serial}`;
    const whole = {
      uuid,
      parentUuid,
      sessionId: file.session,
      timestamp: new Date(startOf({ serial })).toISOString(),
      ...(kind === "agent" ? { isSidechain: true, agentId: agentOf(file.thread) } : {}),
      ...line,
    };
    this.vertices.push({ name: uuid, above: parentUuid ?? undefined, label });
    this.#append(file, whole);
    return uuid;
  }

  #append(file: File, line: JsonObject): void {
    file.lines.push(line);
    this.lines.push({ path: file.path, text: JSON.stringify(line) });
  }
}

function contentOf(piece: Piece, role: Utterance["role"]): JsonObject["content"] {
  return piece.kind === "text" && role === "user" ? piece.text : blocksOf({ pieces: [piece] }, false);
}
