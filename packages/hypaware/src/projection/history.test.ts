// The promise of identity, on generated histories: a client that says, answers, fails, retries, rewinds, forks and compacts,
// with few texts so that equal messages abound, and that edits what it resends. What is stored must be the tree that the
// client really walked: nothing missing, nothing extra, no wrong predecessor.
// HYP_PROPERTY_RUNS raises the number of histories; a failure prints its seed.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageRow } from "../contract/dataset.ts";
import type { ContentBlock, Json, ProjectedMessage } from "../contract/projection.ts";
import type { Outcome } from "../contract/exchange.ts";
import { project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

const RUNS = Number(process.env["HYP_PROPERTY_RUNS"] ?? 300);
const TEXTS = ["continue", "Done.", "yes", "no"];

/** A message as it truly is: content as first seen, below the message that it really followed. */
class Said {
  readonly children = new Map<string, Said>();
  readonly parent: Said | undefined;
  readonly role: string;
  readonly blocks: readonly ContentBlock[];
  readonly isSummary: boolean;
  /** It crossed the wire: only then can anybody know of it. */
  wasSent = false;

  constructor(parent: Said | undefined, role: string, blocks: readonly ContentBlock[], isSummary = false) {
    this.parent = parent;
    this.role = role;
    this.blocks = blocks;
    this.isSummary = isSummary;
  }

  get kind(): string {
    return word(this.blocks[0]?.["type"]);
  }

  next(role: string, blocks: readonly ContentBlock[], isSummary = false): Said {
    const key = JSON.stringify([role, blocks]);
    const known = this.children.get(key);
    if (known !== undefined) return known;
    const child = new Said(this, role, blocks, isSummary);
    this.children.set(key, child);
    return child;
  }
}

interface Step {
  readonly act: "say" | "rewind" | "fork" | "compact";
  readonly text: number;
  /** What the model answers: a text, or so many tool calls. */
  readonly reply: { readonly text: number; readonly calls: number };
  readonly outcome: "ok" | "refused" | "cut";
  readonly keepsPartial: boolean;
  readonly depth: number;
  readonly view: {
    readonly marks: boolean;
    readonly drops: boolean;
    readonly clears: boolean;
    readonly reminds: boolean;
  };
}

const PLAIN: Step["view"] = { marks: false, drops: false, clears: false, reminds: false };

const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      { weight: 8, arbitrary: fc.constant<Step["act"]>("say") },
      { weight: 2, arbitrary: fc.constant<Step["act"]>("rewind") },
      { weight: 1, arbitrary: fc.constantFrom<Step["act"]>("fork", "compact") },
    ),
    text: fc.nat(TEXTS.length - 1),
    reply: fc.record({ text: fc.nat(TEXTS.length - 1), calls: fc.oneof(fc.constant(0), fc.nat(2)) }),
    outcome: fc.oneof(
      { weight: 5, arbitrary: fc.constant<Step["outcome"]>("ok") },
      { weight: 1, arbitrary: fc.constantFrom<Step["outcome"]>("refused", "cut") },
    ),
    keepsPartial: fc.boolean(),
    depth: fc.integer({ min: 1, max: 3 }),
    view: fc.record({
      marks: fc.boolean(),
      drops: fc.boolean(),
      clears: fc.boolean(),
      reminds: fc.boolean(),
    }),
  }),
  { minLength: 1, maxLength: 25 },
);

/**
 * Plays the steps; gives the rows that were stored and the trees as they truly were, by conversation. `keep`: how the projector
 * gives a message of the history.
 */
async function play(
  script: readonly Step[],
  keep: (message: ProjectedMessage) => ProjectedMessage = (message) => message,
): Promise<{ rows: MessageRow[]; truth: Map<string, Said> }> {
  const threads = memoryThreads();
  const rows: MessageRow[] = [];
  const truth = new Map<string, Said>();
  const root = (): Said => new Said(undefined, "", []);
  let conversation = "c0";
  let top = root();
  truth.set(conversation, top);
  let path: Said[] = [];
  let pending: string[] = [];
  let serial = 0;
  /** A fork repeats its list unedited once: what was never sent cannot be missed. */
  let isFirst = true;
  const last = (): Said => path.at(-1) ?? top;
  const send = async (
    answer: readonly Said[],
    outcome: Outcome,
    status: number,
    view: Step["view"],
    id: string,
  ) => {
    const messages = [
      ...render(path, isFirst ? PLAIN : view, top.children.size === 1).map((message) =>
        keep({ ...message, is_answer: false }),
      ),
      ...answer.map((said) => ({ role: said.role, content: said.blocks, is_answer: true })),
    ];
    isFirst = false;
    for (const said of [...path, ...answer]) said.wasSent = true;
    const facts = { request_class: "main" as const, session_id: id };
    const projection = { provider: "fake", conversation_id: id, messages, exchange: facts };
    rows.push(...(await project(threads, projection, { outcome, status, id: String(rows.length) })).rows);
  };

  for (const step of script) {
    if (step.act === "rewind") {
      const turns = path.flatMap((said, index) =>
        said.role === "user" && said.kind === "text" && !said.isSummary ? [index] : [],
      );
      const at = turns.at(-step.depth);
      if (at === undefined) continue;
      path = path.slice(0, at);
      pending = [];
    }
    if (step.act === "fork") {
      conversation = `c${truth.size}`;
      top = root();
      truth.set(conversation, top);
      isFirst = true;
      // A fork repeats the list under a new session; the copies are its own messages.
      let at = top;
      path = path.map((said) => {
        at = (said.isSummary ? top : at).next(said.role, said.blocks, said.isSummary);
        return at;
      });
    }
    if (step.act === "compact" && path.length > 0 && pending.length === 0) {
      const prompt = last().next("user", text("compact now"));
      const summary = `summary ${++serial}`;
      const kept = path.slice(keptFrom(path, step.depth));
      path.push(prompt);
      await send([prompt.next("assistant", text(summary))], "complete", 200, step.view, conversation);
      path = [top.next("user", text(summary), true), ...kept];
      continue;
    }

    if (pending.length > 0) {
      for (const id of pending) {
        path.push(
          last().next("user", [{ type: "tool_result", tool_use_id: id, content: `output of ${id}` }]),
        );
      }
    } else {
      path.push(last().next("user", text(TEXTS[step.text]!)));
    }
    pending = [];
    if (step.outcome === "refused") {
      await send([], "complete", 529, step.view, conversation);
      if (step.keepsPartial) await send([], "complete", 529, step.view, conversation);
      // Given up: the next message follows the question, or the client retries by rewinding.
      continue;
    }
    const calls = Array.from({ length: step.reply.calls }, () => `t${++serial}`);
    const answer = reply(last(), TEXTS[step.reply.text]!, calls, step.outcome === "cut");
    await send(answer, step.outcome === "cut" ? "client_aborted" : "complete", 200, step.view, conversation);
    if (step.outcome === "ok") {
      path.push(...answer);
      pending = calls;
    } else if (step.keepsPartial) {
      path.push(...answer.filter((said) => said.kind !== "thinking"));
    }
  }
  return { rows, truth };
}

/** Half of the texts come with thinking, so that dropping it leaves no doubt which of two equal answers is meant. */
function reply(after: Said, said: string, calls: readonly string[], isCut: boolean): Said[] {
  const answer: Said[] = [];
  const push = (blocks: readonly ContentBlock[]): void =>
    void answer.push((answer.at(-1) ?? after).next("assistant", blocks));
  const thinks = calls.length > 0 || TEXTS.indexOf(said) % 2 === 0;
  if (isCut && thinks) {
    push([{ type: "thinking", thinking: `about ${said}`.slice(0, 7), signature: "" }]);
    return answer;
  }
  if (isCut) {
    push(text(`${said.slice(0, 2)}…`));
    return answer;
  }
  if (thinks) push([{ type: "thinking", thinking: `about ${calls.join() || said}`, signature: "s" }]);
  if (calls.length === 0) push(text(said));
  for (const id of calls) push([{ type: "tool_use", id, name: "Bash", input: { command: "true" } }]);
  return answer;
}

const text = (said: string): ContentBlock[] => [{ type: "text", text: said }];

/** Where a compacting client begins to keep: at its last answer with its thinking, or it keeps nothing. */
function keptFrom(path: readonly Said[], depth: number): number {
  const at = path.findLastIndex((said) => said.role === "assistant" && said.kind !== "thinking");
  if (at === -1 || depth === 3) return path.length;
  return path[at - 1]?.kind === "thinking" ? at - 1 : at;
}

/** What the client sends: its path, in whatever form it likes today. */
function render(path: readonly Said[], view: Step["view"], hasOneRoot: boolean): ProjectedMessage[] {
  // What was never sent as it is cannot be edited yet: edits reach back behind the last answer only.
  const lastAnswer = path.findLastIndex((said) => said.role === "assistant" && said.kind !== "thinking");
  return path.flatMap((said, index): ProjectedMessage[] => {
    const [block] = said.blocks;
    if (block === undefined) return [];
    if (view.drops && said.kind === "thinking" && index < lastAnswer) return [];
    let content: ContentBlock = block;
    if (view.clears && said.kind === "tool_result" && index < lastAnswer)
      content = { ...block, content: "[cleared]" };
    if (view.reminds && hasOneRoot && index === 0 && lastAnswer > 0 && !said.isSummary) {
      content = { ...block, text: `${word(block["text"])} <reminder>` };
    }
    if (view.marks) content = { ...content, cache_control: { type: "ephemeral" } };
    return [
      {
        role: said.role,
        content: content["type"] === "text" && !view.marks ? word(content["text"]) : [content],
        ...(said.isSummary ? { is_compact_summary: true } : {}),
      },
    ];
  });
}

/** Every message as the line of what was said from its root to itself. */
function truePaths(top: Said): string[] {
  const paths: string[] = [];
  const visit = (said: Said, above: string): void => {
    for (const child of [...said.children.values()].filter(({ wasSent }) => wasSent)) {
      const path = `${above} | ${child.role} ${label(child.blocks[0]!)}`;
      paths.push(path);
      visit(child, path);
    }
  };
  visit(top, "");
  return paths.sort();
}

function storedPaths(rows: readonly MessageRow[], conversation: string): string[] {
  const own = rows.filter((row) => row.conversation_id === conversation);
  const byId = new Map(own.map((row) => [row.message_id, row]));
  const path = (row: MessageRow): string => {
    const above = row.previous_message_id?.[0];
    const before = above === undefined ? "" : path(byId.get(above) ?? row);
    return `${before} | ${row.role} ${row.tool_call_id ?? ""}${row.content_text ?? ""}`;
  };
  return own.map(path).sort();
}

function label(block: ContentBlock): string {
  const id = word(block["id"]) + word(block["tool_use_id"]);
  return id + word(block["text"]) + word(block["thinking"]) + word(block["content"]);
}

/** Every member that these blocks are told apart by is text. */
function word(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

test(`nothing missing, nothing extra, no wrong predecessor in ${RUNS} generated histories`, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { rows, truth } = await play(script);
      for (const [conversation, top] of truth) {
        expect(storedPaths(rows, conversation)).toEqual(truePaths(top));
      }
      expect(new Set(rows.map((row) => row.part_id)).size).toBe(rows.length);
    }),
    { numRuns: RUNS },
  );
});

test("the same exchanges in the same order give the same rows", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const first = await play(script);
      const second = await play(script);
      expect(second.rows).toEqual(first.rows);
    }),
    { numRuns: 20 },
  );
});

test("a projector that gives the same frozen messages again gets the same rows", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const kept = new Map<string, ProjectedMessage>();
      const { rows } = await play(script, (message) => {
        const text = JSON.stringify(message);
        const known = kept.get(text) ?? Object.freeze(message);
        kept.set(text, known);
        return known;
      });
      expect(rows).toEqual((await play(script)).rows);
    }),
    { numRuns: 100 },
  );
});
