// Conversations that nobody had, as their client knows them: what was said in which thread, and with which calls it went to the
// provider. How a call looks on a wire is a form's business (forms/).

/** One piece of what a side says: a block, an item, a part. */
export type Piece =
  | { readonly kind: "text" | "reminder" | "thinking"; readonly text: string }
  | { readonly kind: "call"; readonly id: string }
  | { readonly kind: "result"; readonly id: string };

export interface Utterance {
  /** Of this one sighting: what is said again is another utterance. */
  readonly serial: number;
  readonly role: "user" | "assistant";
  readonly pieces: readonly Piece[];
  /** What it is for the client: a text that stands for a history, or one that asks for it. */
  readonly stands?: "summary" | "compaction";
}

export interface Thread {
  /** 0: the one that a person began. */
  readonly index: number;
  readonly kind: "main" | "fork" | "agent";
  /** Where a fork left, or who began an agent. */
  readonly from?: Thread;
}

/** How a client edits what it repeats. */
export interface View {
  /** Marks for a cache, which move. */
  readonly marks: boolean;
  /** Old reasoning is left out. */
  readonly drops: boolean;
  /** Old outputs of tools are cleared. */
  readonly clears: boolean;
  /** Old reminders are left out. */
  readonly forgets: boolean;
}

export const UNEDITED: View = { marks: false, drops: false, clears: false, forgets: false };

export interface Call {
  readonly serial: number;
  readonly thread: Thread;
  /** All that the client has in its head, oldest first; the last one is what it says now. */
  readonly path: readonly Utterance[];
  readonly view: View;
  /** `cut`: the answer is what came of it. */
  readonly outcome: "ok" | "refused" | "cut";
  readonly answer: Utterance | undefined;
  readonly isStream: boolean;
  /** Its client waited for these answers, beside the one before it in its thread. */
  readonly after: readonly Call[];
}

/** What it cost, told by the provider: another number for each call. */
export const outputTokensOf = ({ serial }: Call): number => serial + 1;

export const resultText = (id: string): string => `output of ${id}`;

/** An utterance as its client sends it today. */
export interface Viewed extends Utterance {
  /** Outputs of tools in it are not repeated. */
  readonly isCleared: boolean;
}

export function viewed({ path, view }: Call): readonly Viewed[] {
  // Only what went out as it was may be edited: what stands before the last answer.
  const until = path.findLastIndex(
    ({ role, pieces }) => role === "assistant" && pieces.some(({ kind }) => kind !== "thinking"),
  );
  return path.map((utterance, index) => {
    const isOld = index < until;
    const isLeftOut = ({ kind }: Piece): boolean =>
      (kind === "thinking" && view.drops) || (kind === "reminder" && view.forgets);
    const pieces = isOld ? utterance.pieces.filter((piece) => !isLeftOut(piece)) : utterance.pieces;
    return { ...utterance, pieces, isCleared: isOld && view.clears };
  });
}
