import { type Call, type Piece, type Thread, UNEDITED, type Utterance } from "./conversation.testkit.ts";
import type { Form } from "./form.testkit.ts";
import { type Agent, type Reply, type Step, WORDS } from "./script.testkit.ts";

/** A client's way through a script: its calls in the order in which it made them, threads mixed. */
export function play(script: readonly Step[], form: Form, tree: string): readonly Call[] {
  const player = new Player(form, tree);
  for (const step of script) player.take(step);
  return player.calls;
}

class Player {
  readonly calls: Call[] = [];
  readonly #form: Form;
  readonly #tree: string;
  #serial = 0;
  #threads = 0;
  #thread: Thread = { index: 0, kind: "main" };
  #path: Utterance[] = [];
  /** Calls of tools without their result. */
  #pending: string[] = [];
  /** Calls that have to end before this thread goes on. */
  #after: Call[] = [];
  #isFirst = true;

  constructor(form: Form, tree: string) {
    this.#form = form;
    this.#tree = tree;
  }

  take(step: Step): void {
    const { act } = step;
    // Tried again, a request is the same one.
    const made = this.calls.length;
    this.#take(step, act);
    if (this.calls.length > made) this.#isFirst = false;
  }

  #take(step: Step, act: Step["act"]): void {
    if (act === "rewind") this.#rewind(step.depth);
    else if (act !== "say" && this.#form.acts.has(act)) {
      if (act === "fork" && this.#isAnswered()) {
        this.#fork();
        if (this.#form.isForkAnswered === true) return this.#say({ ...step, outcome: "ok" });
      }
      if (act === "compact" && this.#isAnswered()) return this.#compact(step);
      if (act === "spawn" && this.#pending.length === 0) return this.#spawn(step);
    }
    this.#say(step);
  }

  #say(step: Step): void {
    this.#path.push(this.#next(step));
    this.#pending = [];
    this.#go(step, step.reply);
  }

  /** What the client says next: results of what is pending, or a prompt. */
  #next({ text }: Pick<Step, "text">): Utterance {
    if (this.#pending.length > 0)
      return this.#utterance(
        "user",
        this.#pending.map((id) => ({ kind: "result", id })),
      );
    // Half of the prompts come with a reminder, so that leaving it out leaves no doubt which of two equal prompts is meant.
    const reminder: Piece[] =
      text % 2 === 1 && this.#form.reminds ? [{ kind: "reminder", text: "<system-reminder>" }] : [];
    return this.#utterance("user", [...reminder, { kind: "text", text: this.#prompt(text) }]);
  }

  #prompt(text: number): string {
    const word = WORDS[text]!;
    return this.#form.isNamed || this.#path.length > 0 ? word : `${word} ${this.#tree}/${this.#serial}`;
  }

  #go(step: Step, { text, calls }: Reply): void {
    const { outcome, keeps, depth } = step;
    const isRetried = depth === 1;
    if (outcome === "refused") {
      this.#send(step, "refused", undefined);
      if (keeps) this.#send(step, "refused", undefined);
      if (!isRetried) return this.#giveUp();
    }
    if (outcome === "cut") {
      const partial = this.#utterance("assistant", [this.#partial(text, calls)]);
      this.#send(step, "cut", partial);
      const isKept = keeps && partial.pieces[0]!.kind === this.#form.keeps;
      if (isKept) this.#path.push(partial);
      // Who keeps what was said of an answer does not ask for the answer again.
      if (isKept && this.#form.keeps === "text") return;
      if (!isRetried) return this.#giveUp();
    }
    const ids = Array.from({ length: calls }, () => this.#callId());
    const answer = this.#utterance("assistant", this.#answer(WORDS[text]!, ids));
    this.#send(step, "ok", answer);
    this.#path.push(answer);
    this.#pending = ids;
  }

  /** Where nothing but its repeat would show which conversation a request belongs to, the client forgets what it said. */
  #giveUp(): void {
    if (!this.#form.isNamed && !this.#path.some(({ role }) => role === "assistant")) this.#path = [];
  }

  /** Half of the texts come with thinking, so that leaving it out leaves no doubt which of two equal answers is meant. */
  #answer(said: string, ids: readonly string[]): readonly Piece[] {
    const thinks = this.#form.thinks && (ids.length > 0 || WORDS.indexOf(said as never) % 2 === 0);
    return [
      ...(thinks ? [{ kind: "thinking" as const, text: `about ${ids.join() || said}` }] : []),
      ...(ids.length === 0 ? [{ kind: "text" as const, text: said }] : []),
      ...ids.map((id) => ({ kind: "call" as const, id })),
    ];
  }

  #partial(text: number, calls: number): Piece {
    const said = WORDS[text]!;
    const thinks = this.#form.thinks && (calls > 0 || text % 2 === 0);
    return thinks
      ? { kind: "thinking", text: `about ${said}`.slice(0, 7) }
      : { kind: "text", text: `${said.slice(0, 2)}…` };
  }

  /** Back before one of the last prompts. */
  #rewind(depth: number): void {
    const prompts = this.#path.flatMap(({ role, pieces, stands }, index) =>
      role === "user" && stands === undefined && pieces.some(({ kind }) => kind === "text") ? [index] : [],
    );
    const at = prompts.at(-depth);
    if (at === undefined) return;
    this.#path = this.#path.slice(0, at);
    this.#pending = [];
  }

  #fork(): void {
    const last = this.calls.findLast(({ thread }) => thread === this.#thread);
    this.#after = last === undefined ? [] : [last];
    this.#thread = { index: ++this.#threads, kind: "fork", from: this.#thread };
    this.#isFirst = true;
  }

  /** The last word is the provider's, and nothing is owed to it. */
  #isAnswered(): boolean {
    const last = this.#path.at(-1);
    return last?.role === "assistant" && this.#pending.length === 0 && !this.#isPartial(last);
  }

  #isPartial(utterance: Utterance): boolean {
    return this.calls.some(({ answer, outcome }) => answer === utterance && outcome === "cut");
  }

  #compact(step: Step): void {
    const prompt = this.#utterance("user", [{ kind: "text", text: "compact now" }], "compaction");
    const said = `summary ${this.#serial}`;
    const path = [...this.#path, prompt];
    this.#call(
      { ...step, view: UNEDITED },
      path,
      "ok",
      this.#utterance("assistant", [{ kind: "text", text: said }]),
    );
    const kept = step.depth === 3 ? [] : this.#path.slice(-1);
    const summary = this.#utterance("user", [{ kind: "text", text: said }], "summary");
    this.#path = this.#form.isSummaryInLine ? [...this.#prompts(), summary] : [summary, ...kept];
  }

  /** What a compacting client keeps as it is. */
  #prompts(): readonly Utterance[] {
    return this.#path.filter(
      ({ role, pieces, stands }) =>
        role === "user" && stands === undefined && pieces.every(({ kind }) => kind === "text"),
    );
  }

  /** An answer that calls agents, who work beside each other; then it goes on with what they said. */
  #spawn(step: Step): void {
    this.#path.push(this.#next(step));
    const ids = step.agents.map(() => this.#callId());
    const answer = this.#utterance("assistant", this.#answer(WORDS[step.reply.text]!, ids));
    const begun = this.#send(step, "ok", answer);
    this.#path.push(answer);
    this.#pending = ids;
    const main = { thread: this.#thread, path: this.#path, pending: this.#pending };
    const ends = step.agents.map((agent) => this.#agent(step, agent, begun, main.thread));
    [this.#thread, this.#path, this.#pending] = [main.thread, main.path, main.pending];
    // Some go on before their agents have ended.
    this.#after = step.keeps ? ends : [];
  }

  #agent(step: Step, { text, replies }: Agent, begun: Call, from: Thread): Call {
    this.#thread = { index: ++this.#threads, kind: "agent", from };
    [this.#path, this.#pending, this.#after, this.#isFirst] = [[], [], [begun], true];
    for (const reply of replies) {
      const own: Step = { ...step, text, outcome: "ok" };
      this.#path.push(this.#next(own));
      this.#pending = [];
      this.#go(own, reply);
      this.#isFirst = false;
    }
    return this.calls.at(-1)!;
  }

  #send(step: Step, outcome: Call["outcome"], answer: Utterance | undefined): Call {
    return this.#call(step, [...this.#path], outcome, answer);
  }

  #call(
    { view, isStream, outcome: wanted }: Step,
    path: readonly Utterance[],
    outcome: Call["outcome"],
    answer: Utterance | undefined,
  ): Call {
    const call: Call = {
      serial: this.#serial++,
      thread: this.#thread,
      path,
      // A fork repeats its list unedited once: what was never sent cannot be missed.
      view: this.#isFirst ? UNEDITED : view,
      outcome,
      answer,
      isStream: isStream || wanted === "cut",
      after: this.#after,
    };
    this.#after = [];
    this.calls.push(call);
    return call;
  }

  #utterance(role: Utterance["role"], pieces: readonly Piece[], stands?: Utterance["stands"]): Utterance {
    return { serial: this.#serial++, role, pieces, ...(stands === undefined ? {} : { stands }) };
  }

  #callId(): string {
    return `t${this.#tree}_${this.#serial++}`;
  }
}
