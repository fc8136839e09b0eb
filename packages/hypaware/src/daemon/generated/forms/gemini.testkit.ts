import type { FrameSink } from "../../../contract/frame.ts";
import type { JsonObject } from "../../../contract/plugin.ts";
import { answer, ask, type Answered } from "../../carried.testkit.ts";
import {
  type Call,
  outputTokensOf,
  type Piece,
  resultText,
  type Utterance,
} from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { wholeGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf } from "../words.testkit.ts";
import { halves } from "./anthropic.testkit.ts";

/** Google's generateContent: no session; a message is a content. Thoughts do not come back, calls do under ids that the client made. */
export const gemini: Form = {
  name: "Gemini",
  acts: new Set(),
  thinks: true,
  reminds: false,
  isNamed: false,
  sharesCopies: false,
  keeps: "text",
  isSummaryInLine: false,
  grains: (utterance) => [wholeGrain(utterance, utterance.role)],
  client: (tree) => new Gemini(tree),
};

const REFUSED: Answered = {
  status: 503,
  body: { error: { code: 503, status: "UNAVAILABLE", message: "Overloaded" } },
};

class Gemini implements FormClient {
  readonly #tree: string;

  constructor(tree: string) {
    this.#tree = tree;
  }

  conversation(): undefined {}

  ask(sink: FrameSink, call: Call): void {
    const verb = call.isStream ? "streamGenerateContent?alt=sse" : "generateContent";
    ask(sink, {
      exchangeId: exchangeIdOf(this.#tree, call),
      target: `/v1beta/models/gemini-3.1-pro-preview:${verb}`,
      upstream: "gemini",
      startedAt: startOf(call),
      headers: { "user-agent": "GeminiCLI-tui/0.61.0/gemini-3.1-pro-preview (linux; x64; terminal)" },
      body: { contents: call.path.map(contentOf) },
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.#tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, REFUSED);
    const parts = call.answer.pieces.flatMap((piece) => answerParts(piece));
    const usage = {
      promptTokenCount: 1,
      candidatesTokenCount: outputTokensOf(call),
      totalTokenCount: 1 + outputTokensOf(call),
    };
    const chunk = (given: readonly JsonObject[], more: JsonObject): JsonObject => ({
      candidates: [{ content: { role: "model", parts: [...given] }, index: 0, ...more }],
      responseId: exchangeId,
    });
    const end = { ...chunk([], { finishReason: "STOP" }), usageMetadata: usage };
    const chunks = parts.map((part) => chunk([part], {}));
    if (call.outcome === "cut")
      return answer(sink, exchangeId, { outcome: "upstream_aborted", body: { events: chunks } });
    const whole = { ...chunk(parts, { finishReason: "STOP" }), usageMetadata: usage };
    answer(sink, exchangeId, { body: call.isStream ? { events: [...chunks, end] } : whole });
  }
}

function contentOf({ role, pieces }: Utterance): JsonObject {
  return { role: role === "user" ? "user" : "model", parts: pieces.flatMap(echoParts) };
}

function echoParts(piece: Piece): readonly JsonObject[] {
  if (piece.kind === "thinking") return [];
  if (piece.kind === "call")
    return [{ functionCall: { id: wireIdOf(piece.id), name: "run", args: { command: piece.id } } }];
  if (piece.kind === "result") {
    const response = { output: resultText(piece.id) };
    return [{ functionResponse: { id: wireIdOf(piece.id), name: "run", response } }];
  }
  return [{ text: piece.text }];
}

function answerParts(piece: Piece): readonly JsonObject[] {
  if (piece.kind === "call") return [{ functionCall: { name: "run", args: { command: piece.id } } }];
  if (!("text" in piece)) return [];
  return halves(piece.text).map((text) => ({
    text,
    ...(piece.kind === "thinking" ? { thought: true } : {}),
  }));
}

const wireIdOf = (id: string): string => `run_${id}`;
