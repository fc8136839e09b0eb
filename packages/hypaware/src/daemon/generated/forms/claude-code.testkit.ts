import type { FrameSink } from "../../../contract/frame.ts";
import type { Json, JsonObject } from "../../../contract/plugin.ts";
import { answer, ask } from "../../carried.testkit.ts";
import { type Call, type Thread, type Viewed, viewed } from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { pieceGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf, uuidOf, worded } from "../words.testkit.ts";
import { blocksOf, KeptThreads, messageEvents, REFUSED } from "./anthropic.testkit.ts";

/** How the client begins texts that it makes itself. */
export const SAYS = {
  summary: "This session is being continued from a previous conversation",
  compaction: "CRITICAL: Respond with TEXT ONLY",
};

/** Claude Code: the whole history with each request, sessions and agents named in headers; a message is a block. */
export const claudeCode: Form = {
  name: "Claude Code",
  acts: new Set(["fork", "compact", "spawn"]),
  thinks: true,
  reminds: true,
  isNamed: true,
  sharesCopies: false,
  keeps: "text",
  isSummaryInLine: false,
  grains: (utterance) => worded(utterance, SAYS).pieces.map((piece) => pieceGrain(piece, utterance.role)),
  client: (tree) => new ClaudeCode(tree),
};

/** The same with the provider keeping the conversation: what it has is left out. */
export const claudeCodeContinued: Form = {
  ...claudeCode,
  name: "Claude Code, continued",
  client: (tree) => new ClaudeCode(tree, new KeptThreads(tree)),
};

/** An agent works in its parent's session, a fork in its own. */
export function sessionOf(tree: string, { index, kind, from }: Thread): string {
  return kind === "agent" ? sessionOf(tree, from!) : uuidOf(tree, index);
}

export const agentOf = ({ index }: Thread): string => `a${index}`;

class ClaudeCode implements FormClient {
  readonly #tree: string;
  readonly #kept: KeptThreads | undefined;

  constructor(tree: string, kept?: KeptThreads) {
    this.#tree = tree;
    this.#kept = kept;
  }

  conversation(thread: Thread): string {
    const session = sessionOf(this.#tree, thread);
    return thread.kind === "agent" ? `${session}/${agentOf(thread)}` : session;
  }

  ask(sink: FrameSink, call: Call): void {
    const { thread } = call;
    ask(sink, {
      exchangeId: exchangeIdOf(this.#tree, call),
      target: "/v1/messages?beta=true",
      upstream: "anthropic",
      startedAt: startOf(call),
      headers: {
        "user-agent": "claude-cli/2.1.330 (external, cli)",
        "x-claude-code-session-id": sessionOf(this.#tree, thread),
        ...(thread.kind === "agent" ? { "x-claude-code-agent-id": agentOf(thread) } : {}),
      },
      body: { model: "claude-opus-5-5", stream: true, ...this.#said(call) },
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.#tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, REFUSED);
    this.#kept?.answered(call);
    const outcome = call.outcome === "cut" ? "upstream_aborted" : "complete";
    const headers = { "request-id": `req_${exchangeId}` };
    answer(sink, exchangeId, { headers, outcome, body: { events: messageEvents(this.#tree, call) } });
  }

  #said(call: Call): { readonly messages: Json[]; readonly thread?: JsonObject } {
    const { marks } = call.view;
    if (this.#kept === undefined) return { messages: joined(viewed(call), marks) };
    const { left, thread } = this.#kept.ask(call);
    return { messages: joined(viewed(call).slice(left), marks), thread };
  }
}

/** The client says all that it has to say between two answers in one message. */
function joined(path: readonly Viewed[], marks: boolean): Json[] {
  const messages: { role: string; content: Json[] }[] = [];
  for (const utterance of path) {
    const blocks = blocksOf(worded(utterance, SAYS), marks);
    const last = messages.at(-1);
    if (last?.role === utterance.role) last.content.push(...blocks);
    else messages.push({ role: utterance.role, content: [...blocks] });
  }
  return messages.map(({ role, content }) => {
    const [only] = content as { readonly type: string; readonly text?: string }[];
    const isPlain = content.length === 1 && only?.type === "text" && !marks;
    return { role, content: isPlain ? only.text! : content };
  });
}
