import type { Answer } from "./answer.ts";
import type { Generation } from "./generation.ts";
import type { WireBlock } from "./wire-request.ts";

type MessageAnswer = Extract<Answer, { kind: "message" }>;

/** One step of a streamed answer: bytes to send, time to pass, or the connection's end in the middle. */
export type StreamStep =
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "pause"; readonly ms: number }
  | { readonly kind: "cut" };

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** Response headers in the provider's spelling and order. */
export function providerHeaders(requestId: string, n: number): string[] {
  return Object.entries({
    "request-id": requestId,
    "anthropic-organization-id": "00000000-0000-7000-8000-000000000001",
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": String(Math.max(0, 4000 - n)),
    "anthropic-ratelimit-tokens-limit": "400000",
    "anthropic-ratelimit-tokens-remaining": String(Math.max(0, 400_000 - n)),
    "anthropic-ratelimit-tokens-reset": "2030-01-01T00:00:00Z",
  }).flat();
}

/** Body of an error answer, and the headers that tell the client whether to come again. */
export function errorAnswer(status: number, requestId: string): { body: object; headers: string[] } {
  const retryable = status === 429 || status >= 500;
  return {
    body: errorBody(ERROR_TYPES[status] ?? "api_error", requestId),
    headers: [
      ...(status === 429 ? ["retry-after", "1"] : []),
      ...(retryable ? ["x-should-retry", "true"] : []),
    ],
  };
}

/** The whole answer as one JSON body. */
export function jsonAnswer(answer: MessageAnswer, generation: Generation, model: string): object {
  return {
    ...envelope(generation, model),
    content: answer.content,
    stop_reason: answer.stopReason,
    stop_sequence: null,
    usage: { ...generation.usage, service_tier: "standard" },
  };
}

/** The answer as server-sent events, in the order and form of the provider. */
export function* streamAnswer(
  answer: MessageAnswer,
  generation: Generation,
  model: string,
): Generator<StreamStep> {
  const { cache_creation, ...totals } = generation.usage;
  const usage = { ...totals, cache_creation, output_tokens: 1, service_tier: "standard" };
  const message = {
    ...envelope(generation, model),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  yield event("message_start", { message });
  for (const [index, block] of answer.content.entries()) {
    yield event("content_block_start", { index, content_block: emptyBlock(block) });
    if (index === 0) yield event("ping", {});
    for (const delta of deltasOf(block, answer.deltas)) {
      yield event("content_block_delta", { index, delta });
      if (block.type !== "text") continue;
      if (answer.breaks !== "never") {
        yield answer.breaks === "cut" ? { kind: "cut" } : errorEvent(generation.requestId);
        return;
      }
      if (answer.pauseMs > 0) yield { kind: "pause", ms: answer.pauseMs };
    }
    yield event("content_block_stop", { index });
  }
  yield event("message_delta", {
    delta: { stop_reason: answer.stopReason, stop_sequence: null },
    usage: totals,
  });
  yield event("message_stop", {});
}

function envelope(generation: Generation, model: string): object {
  return { id: generation.messageId, type: "message", role: "assistant", model };
}

function event(type: string, fields: object): StreamStep {
  return { kind: "send", text: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n` };
}

function errorBody(type: string, requestId: string): object {
  return { type: "error", error: { type, message: `Fake ${type}` }, request_id: requestId };
}

function errorEvent(requestId: string): StreamStep {
  return {
    kind: "send",
    text: `event: error\ndata: ${JSON.stringify(errorBody("overloaded_error", requestId))}\n\n`,
  };
}

/** A block as `content_block_start` shows it: what its deltas bring is still empty. */
function emptyBlock(block: WireBlock): object {
  switch (block.type) {
    case "text":
      return { type: "text", text: "" };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    default:
      return { ...block, input: {} };
  }
}

function* deltasOf(block: WireBlock, deltas: readonly string[] | undefined): Generator<object> {
  switch (block.type) {
    case "text":
      for (const text of deltas ?? cut(String(block["text"]), 12)) yield { type: "text_delta", text };
      return;
    case "thinking":
      for (const thinking of cut(String(block["thinking"]), 12)) yield { type: "thinking_delta", thinking };
      yield { type: "signature_delta", signature: block["signature"] };
      return;
    default:
      yield { type: "input_json_delta", partial_json: "" };
      for (const partial_json of cut(JSON.stringify(block["input"]), 20)) {
        yield { type: "input_json_delta", partial_json };
      }
  }
}

/** Pieces of at most `size` characters; never inside a character. */
function cut(text: string, size: number): string[] {
  const characters = Array.from(text);
  return Array.from({ length: Math.ceil(characters.length / size) }, (_, i) =>
    characters.slice(i * size, (i + 1) * size).join(""),
  );
}
