import type { FrameSink } from "../../../contract/frame.ts";
import type { Json, JsonObject } from "../../../contract/plugin.ts";
import { answer, ask, type Answered } from "../../carried.testkit.ts";
import { type Call, outputTokensOf, resultText, type Utterance } from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { pieceGrain, wholeGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf } from "../words.testkit.ts";
import { halves } from "./anthropic.testkit.ts";

/** A program on OpenAI's Chat Completions: no session, each output of a tool is a message. */
export const chat: Form = {
  name: "Chat Completions",
  acts: new Set(),
  thinks: false,
  reminds: false,
  isNamed: false,
  sharesCopies: false,
  keeps: "text",
  isSummaryInLine: false,
  grains: (utterance) =>
    isResults(utterance)
      ? utterance.pieces.map((piece) => pieceGrain(piece, "tool"))
      : [wholeGrain(utterance, utterance.role)],
  client: (tree) => new Chat(tree),
};

const isResults = ({ pieces }: Utterance): boolean => pieces[0]?.kind === "result";

export const OPENAI_REFUSED: Answered = {
  status: 429,
  body: { error: { type: "rate_limit_error", code: "rate_limit_exceeded", message: "Slow down" } },
};

class Chat implements FormClient {
  readonly #tree: string;

  constructor(tree: string) {
    this.#tree = tree;
  }

  conversation(): undefined {}

  ask(sink: FrameSink, call: Call): void {
    ask(sink, {
      exchangeId: exchangeIdOf(this.#tree, call),
      target: "/v1/chat/completions",
      upstream: "openai",
      startedAt: startOf(call),
      headers: { "user-agent": "OpenAI/JS 7.57.0" },
      body: { model: "gpt-5.1", stream: call.isStream, messages: call.path.flatMap(messagesOf) },
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.#tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, OPENAI_REFUSED);
    const outcome = call.outcome === "cut" ? "upstream_aborted" : "complete";
    const id = `chatcmpl-${exchangeId}`;
    const body = call.isStream ? { events: chunksOf(id, call) } : bodyOf(id, call);
    answer(sink, exchangeId, { outcome, body });
  }
}

function messagesOf(utterance: Utterance): readonly JsonObject[] {
  const { role, pieces } = utterance;
  if (isResults(utterance))
    return pieces.flatMap((piece) =>
      piece.kind === "result"
        ? [{ role: "tool", tool_call_id: piece.id, content: resultText(piece.id) }]
        : [],
    );
  return [{ role, ...contentOf(utterance) }];
}

function contentOf({ pieces }: Utterance): JsonObject {
  const text = pieces.flatMap((piece) => ("text" in piece ? [piece.text] : [])).join("");
  const calls = pieces.flatMap((piece) =>
    piece.kind === "call"
      ? [{ id: piece.id, type: "function", function: { name: "bash", arguments: argumentsOf(piece.id) } }]
      : [],
  );
  return { content: text === "" ? null : text, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

const argumentsOf = (id: string): string => JSON.stringify({ command: id });

const usageOf = (call: Call): JsonObject => ({ prompt_tokens: 1, completion_tokens: outputTokensOf(call) });

const bodyOf = (id: string, call: Call): JsonObject => ({
  id,
  object: "chat.completion",
  model: "gpt-5.1",
  choices: [{ index: 0, message: { role: "assistant", ...contentOf(call.answer!) }, finish_reason: "stop" }],
  usage: usageOf(call),
});

function chunksOf(id: string, call: Call): readonly (Json | string)[] {
  const chunk = (delta: JsonObject, finish: string | null = null): JsonObject => ({
    id,
    object: "chat.completion.chunk",
    model: "gpt-5.1",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const said = call.answer!.pieces.flatMap((piece, index) =>
    piece.kind === "call" ? callChunks(piece.id, index) : textChunks("text" in piece ? piece.text : ""),
  );
  const begun = [chunk({ role: "assistant", content: "" }), ...said.map((delta) => chunk(delta))];
  if (call.outcome === "cut") return begun;
  return [...begun, chunk({}, "stop"), { id, choices: [], usage: usageOf(call) }, "[DONE]"];
}

const textChunks = (text: string): readonly JsonObject[] => halves(text).map((content) => ({ content }));

function callChunks(id: string, index: number): readonly JsonObject[] {
  const [first, second] = halves(argumentsOf(id));
  const head = { index, id, type: "function", function: { name: "bash", arguments: first } };
  return [{ tool_calls: [head] }, { tool_calls: [{ index, function: { arguments: second } }] }];
}
