import type { FrameSink } from "../../../contract/frame.ts";
import type { Json, JsonObject } from "../../../contract/plugin.ts";
import { answer, ask } from "../../carried.testkit.ts";
import { type Call, type Utterance, viewed } from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { pieceGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf } from "../words.testkit.ts";
import { OPENAI_REFUSED } from "./chat.testkit.ts";
import { itemIdOf, itemsOf, responseBody, responseEvents, responseIdOf } from "./responses.testkit.ts";

const common = {
  acts: new Set(),
  thinks: true,
  reminds: false,
  isNamed: false,
  sharesCopies: false,
  keeps: "text",
  isSummaryInLine: false,
  grains: (utterance: Utterance) =>
    utterance.pieces.map((piece, index) => {
      const grain = pieceGrain(piece, piece.kind === "result" ? "tool" : utterance.role);
      // The provider names what it says; what it is told has no name.
      return utterance.role === "assistant" ? { ...grain, key: `${utterance.serial}/${index}` } : grain;
    }),
} as const satisfies Partial<Form>;

/** A program on OpenAI's Responses that repeats everything. */
export const responsesWhole: Form = {
  ...common,
  name: "Responses, whole lists",
  client: (tree) => new ResponsesSdk(tree, false),
};

/** One that sends what is new, and names the response that it goes on from. */
export const responsesContinued: Form = {
  ...common,
  name: "Responses, continued",
  client: (tree) => new ResponsesSdk(tree, true),
};

class ResponsesSdk implements FormClient {
  readonly #tree: string;
  readonly #continues: boolean;
  /** By answer. */
  readonly #responses = new Map<Utterance, string>();

  constructor(tree: string, continues: boolean) {
    this.#tree = tree;
    this.#continues = continues;
  }

  conversation(): undefined {}

  ask(sink: FrameSink, call: Call): void {
    ask(sink, {
      exchangeId: exchangeIdOf(this.#tree, call),
      target: "/v1/responses",
      upstream: "openai",
      startedAt: startOf(call),
      headers: { "user-agent": "OpenAI/JS 7.57.0" },
      body: { model: "gpt-5.1", stream: call.isStream, ...this.#input(call) },
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.#tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, OPENAI_REFUSED);
    if (call.outcome === "ok") this.#responses.set(call.answer, responseIdOf(this.#tree, call));
    const outcome = call.outcome === "cut" ? "upstream_aborted" : "complete";
    const body = call.isStream
      ? { events: responseEvents(this.#tree, call) }
      : responseBody(this.#tree, call);
    answer(sink, exchangeId, { outcome, body });
  }

  #input(call: Call): JsonObject {
    const path = viewed({ ...call, view: { ...call.view, clears: false } });
    const at = this.#continues ? call.path.findLastIndex((said) => this.#responses.has(said)) : -1;
    const previous = call.path[at];
    return {
      ...(previous === undefined ? {} : { previous_response_id: this.#responses.get(previous)! }),
      input: path.slice(at + 1).flatMap((said): readonly Json[] =>
        itemsOf(said, (piece) => {
          if (said.role === "user") return undefined;
          // What is left of the pieces keeps its name.
          const original = call.path.find(({ serial }) => serial === said.serial)!;
          return itemIdOf(this.#tree, said, original.pieces.indexOf(piece), piece);
        }),
      ),
    };
  }
}
