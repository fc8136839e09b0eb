// The questions of `hyp init` at a terminal. Nothing is written here. Esc or Ctrl-C asks whether to go back, go on or cancel; Ctrl-D and
// the end of input take the answer that is shown.

import { isCancel, confirm, intro, log, multiselect, note, outro, select } from "@clack/prompts";
import { fitText } from "../help/fit-text.ts";
import { textWidth } from "../terminal.ts";
import { type Choices, isImportable } from "./choices.ts";
import type { Offer } from "./offer.ts";

/** What clack draws left of a note's text. */
const FRAME = 6;

const BACK = Symbol("back");
const CANCEL = Symbol("cancel");
type Move = typeof BACK | typeof CANCEL;

/** One question; `undefined`: it does not arise. */
type Question = (choices: Choices) => Promise<Choices | Move | undefined>;

export interface WizardOptions {
  readonly offer: Offer;
  /** Preset answers. */
  readonly initial: Choices;
  /** What these choices would write. */
  readonly plan: (choices: Choices) => Promise<string>;
  /** Whether there is a config that is another one: then it can be kept. */
  readonly replaces: (choices: Choices) => boolean;
  readonly isDryRun: boolean;
}

/** Resolves with the answers, or undefined when the person cancels. */
export async function wizard(options: WizardOptions): Promise<Choices | undefined> {
  const questions = questionsOf(options);
  intro("HypAware: set up (Esc: back or cancel)");
  let choices = options.initial;
  const path: { readonly question: number; readonly before: Choices }[] = [];
  for (let at = 0; at < questions.length;) {
    const answer = await questions[at]!(choices);
    if (answer === CANCEL) {
      outro("Cancelled. Nothing was written.");
      return undefined;
    }
    if (answer === BACK) {
      const last = path.pop();
      if (last !== undefined) [at, choices] = [last.question, last.before];
      continue;
    }
    if (answer !== undefined) {
      path.push({ question: at, before: choices });
      choices = answer;
    }
    at += 1;
  }
  outro(options.isDryRun ? "Dry run: nothing is written." : "Writing …");
  return choices;
}

function questionsOf({ offer, initial, plan, replaces, isDryRun }: WizardOptions): readonly Question[] {
  const { sources } = offer;
  return [
    async (choices) => {
      const chosen = await ask<string[]>([...choices.sources], true, (signal) =>
        multiselect({
          message: "What shall be recorded?",
          options: sources.map(({ name, isClient, isInstalled }) => ({
            value: name,
            label: isClient ? name : `${name}: any other program on that API`,
            ...(isClient && { hint: isInstalled ? "found on this machine" : "not found on this machine" }),
          })),
          initialValues: [...choices.sources],
          required: true,
          signal,
        }),
      );
      if (typeof chosen === "symbol") return chosen;
      const clients = sources.filter(
        ({ name, isClient, isInstalled }) =>
          isClient && chosen.includes(name) && (isInstalled || initial.clients.includes(name)),
      );
      return { ...choices, sources: chosen, clients: clients.map(({ name }) => name) };
    },
    async (choices) => {
      const possible = sources.filter(({ name, isClient }) => isClient && choices.sources.includes(name));
      if (possible.length === 0) return undefined;
      const chosen = await ask<string[]>([...choices.clients], false, (signal) =>
        multiselect({
          message: "Whose own settings shall point at the gateway? (the others are started by hyp run)",
          options: possible.map(({ name }) => ({ value: name, label: name })),
          initialValues: [...choices.clients],
          required: false,
          signal,
        }),
      );
      return typeof chosen === "symbol" ? chosen : { ...choices, clients: chosen };
    },
    yesOrNo("Run the gateway in the background, now and after each login?", "daemon"),
    async (choices) => {
      const recorded = sources.filter((source) => isImportable(source, choices));
      if (recorded.length === 0) return { ...choices, import: false };
      const names = recorded.map(({ name }) => name).join(", ");
      return yesOrNo(
        `Read what ${names} wrote down of earlier sessions into the history?`,
        "import",
      )(choices);
    },
    async (choices) => {
      note(
        fitText((await plan(choices)).trimEnd(), textWidth(process.stdout) - FRAME),
        "This will be written",
        {
          format: (line) => line,
        },
      );
      if (isDryRun) return choices;
      const isThere = replaces(choices);
      const decided = await ask<"keep" | "write" | "back" | "cancel">(
        isThere ? "keep" : "write",
        false,
        (signal) =>
          select<"keep" | "write" | "back" | "cancel">({
            message: "Is that right?",
            options: [
              ...(isThere
                ? [{ value: "keep" as const, label: "Keep the config that is there, and do the rest" }]
                : []),
              {
                value: "write",
                label: isThere ? "Replace the config (a copy is kept), and do the rest" : "Do it",
              },
              { value: "back", label: "Go back and change something" },
              { value: "cancel", label: "Cancel: nothing is written" },
            ],
            initialValue: isThere ? "keep" : "write",
            signal,
          }),
      );
      if (typeof decided === "symbol") return decided;
      if (decided === "back") return BACK;
      return decided === "cancel" ? CANCEL : { ...choices, keepsConfig: decided === "keep" };
    },
  ];
}

function yesOrNo(message: string, key: "daemon" | "import"): (choices: Choices) => Promise<Choices | Move> {
  return async (choices) => {
    const answer = await ask<boolean>(choices[key], false, (signal) =>
      confirm({ message, initialValue: choices[key], signal }),
    );
    return typeof answer === "symbol" ? answer : { ...choices, [key]: answer };
  };
}

/** `shown`: the answer that stands there when nothing is typed. */
async function ask<T>(
  shown: T,
  isFirst: boolean,
  prompt: (signal: AbortSignal) => Promise<T | symbol>,
): Promise<T | Move> {
  for (;;) {
    const answer = await untilEnd(shown, prompt);
    if (!isCancel(answer)) return answer as T;
    const move = await untilEnd<"back" | "on" | "cancel">("cancel", (signal) =>
      select<"back" | "on" | "cancel">({
        message: "Cancel?",
        options: [
          ...(isFirst ? [] : [{ value: "back" as const, label: "Back to the question before" }]),
          { value: "on" as const, label: "No, ask again" },
          { value: "cancel" as const, label: "Cancel: nothing is written" },
        ],
        signal,
      }),
    );
    if (move === "back") return BACK;
    if (move !== "on") return CANCEL;
  }
}

/** At the end of input clack would wait for ever. */
async function untilEnd<T>(
  shown: T,
  prompt: (signal: AbortSignal) => Promise<T | symbol>,
): Promise<T | symbol> {
  const { stdin } = process;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const onKey = (_: string, key: { readonly ctrl?: boolean; readonly name?: string }): void => {
    if (key.ctrl === true && key.name === "d") end();
  };
  stdin.on("keypress", onKey).once("end", end);
  if (stdin.readableEnded) end();
  try {
    const answer = await prompt(ended.signal);
    if (!ended.signal.aborted) return answer;
    log.step(`${inWords(shown)} (end of input: taken as shown)`);
    return shown;
  } finally {
    stdin.off("keypress", onKey).off("end", end);
  }
}

function inWords(answer: unknown): string {
  if (typeof answer === "boolean") return answer ? "Yes" : "No";
  return Array.isArray(answer) ? answer.join(", ") || "none" : String(answer);
}
