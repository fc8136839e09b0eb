import type { FrameSink } from "../../../contract/frame.ts";
import { answer, ask } from "../../carried.testkit.ts";
import { type Call, viewed } from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { wholeGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf } from "../words.testkit.ts";
import { blocksOf, KeptThreads, messageBody, messageEvents, REFUSED } from "./anthropic.testkit.ts";

/** A program on Anthropic's library: no session, a message is one of the wire, with all its blocks. */
export const anthropicSdk: Form = {
  name: "Anthropic SDK",
  acts: new Set(),
  thinks: true,
  reminds: false,
  isNamed: false,
  sharesCopies: false,
  keeps: "text",
  isSummaryInLine: false,
  grains: (utterance) => [wholeGrain(utterance, utterance.role)],
  client: (tree) => new AnthropicSdk(tree),
};

/** One whose provider keeps the conversation: what it has is left out. */
export const anthropicSdkContinued: Form = {
  ...anthropicSdk,
  name: "Anthropic SDK, continued",
  client: (tree) => new AnthropicSdk(tree, new KeptThreads(tree)),
};

class AnthropicSdk implements FormClient {
  readonly #tree: string;
  readonly #kept: KeptThreads | undefined;

  constructor(tree: string, kept?: KeptThreads) {
    this.#tree = tree;
    this.#kept = kept;
  }

  conversation(): undefined {}

  ask(sink: FrameSink, call: Call): void {
    const { left = 0, thread } = this.#kept?.ask(call) ?? {};
    const path = viewed({ ...call, view: { ...call.view, clears: false } }).slice(left);
    const messages = path.map((said) => ({ role: said.role, content: [...blocksOf(said, call.view.marks)] }));
    ask(sink, {
      exchangeId: exchangeIdOf(this.#tree, call),
      target: "/v1/messages",
      upstream: "anthropic",
      startedAt: startOf(call),
      headers: { "user-agent": "Anthropic/JS 1.12.0" },
      body: { model: "claude-opus-5-5", stream: call.isStream, messages, thread },
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.#tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, REFUSED);
    this.#kept?.answered(call);
    const outcome = call.outcome === "cut" ? "upstream_aborted" : "complete";
    const body = call.isStream ? { events: messageEvents(this.#tree, call) } : messageBody(this.#tree, call);
    answer(sink, exchangeId, { outcome, body });
  }
}
