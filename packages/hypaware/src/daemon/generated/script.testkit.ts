import * as fc from "fast-check";
import type { View } from "./conversation.testkit.ts";

/** Few words, so that equal messages abound. */
export const WORDS = ["continue", "Done.", "yes", "no"] as const;

export interface Reply {
  readonly text: number;
  /** So many tools are called at once. */
  readonly calls: number;
}

export interface Agent {
  readonly text: number;
  readonly replies: readonly Reply[];
}

/** What a person or a client does next. What a form cannot do is passed over. */
export interface Step {
  readonly act: "say" | "rewind" | "fork" | "compact" | "spawn";
  readonly text: number;
  readonly reply: Reply;
  readonly outcome: "ok" | "refused" | "cut";
  /** What came of a cut answer stays in the client's head; what was refused is tried again at once. */
  readonly keeps: boolean;
  readonly depth: number;
  readonly isStream: boolean;
  readonly view: View;
  /** Run at the same time. */
  readonly agents: readonly Agent[];
}

const reply = fc.record<Reply>({
  text: fc.nat(WORDS.length - 1),
  calls: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(2)),
});

const agent = fc.record<Agent>({
  text: fc.nat(WORDS.length - 1),
  replies: fc.array(reply, { minLength: 1, maxLength: 3 }),
});

const step = fc.record<Step>({
  act: fc.oneof(
    { weight: 9, arbitrary: fc.constant<Step["act"]>("say") },
    { weight: 2, arbitrary: fc.constant<Step["act"]>("rewind") },
    { weight: 2, arbitrary: fc.constantFrom<Step["act"]>("fork", "compact", "spawn") },
  ),
  text: fc.nat(WORDS.length - 1),
  reply,
  outcome: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step["outcome"]>("ok") },
    { weight: 1, arbitrary: fc.constantFrom<Step["outcome"]>("refused", "cut") },
  ),
  keeps: fc.boolean(),
  depth: fc.integer({ min: 1, max: 3 }),
  isStream: fc.boolean(),
  view: fc.record({ marks: fc.boolean(), drops: fc.boolean(), clears: fc.boolean(), forgets: fc.boolean() }),
  agents: fc.array(agent, { minLength: 1, maxLength: 3 }),
});

export const script = fc.array(step, { minLength: 1, maxLength: 18 });
