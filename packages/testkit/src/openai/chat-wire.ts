import type { Generation } from "../generation.ts";
import { usageOf } from "./responses-wire.ts";
import type { Item, Saying } from "./script.ts";

export interface ChatRequest {
  readonly model?: string;
  readonly stream?: boolean;
  readonly messages?: readonly Item[];
  readonly tools?: readonly { readonly function?: { readonly name: string } }[];
  readonly stream_options?: { readonly include_usage?: boolean };
}

/** The answer in one piece. */
export function completionTo(request: ChatRequest, made: Generation, sayings: readonly Saying[]): object {
  const { message, finish } = said(made, sayings);
  return {
    ...shell(request, made, "chat.completion"),
    choices: [{ index: 0, message: { role: "assistant", refusal: null, ...message }, finish_reason: finish }],
    usage: chatUsage(made),
  };
}

/** The same as the data of a stream's events, but for the closing `[DONE]`. */
export function* chunksOf(
  request: ChatRequest,
  made: Generation,
  sayings: readonly Saying[],
): Generator<object> {
  const { message, finish } = said(made, sayings);
  const chunk = (delta: object, finished: string | null = null): object => ({
    ...shell(request, made, "chat.completion.chunk"),
    choices: [{ index: 0, delta, finish_reason: finished }],
  });
  yield chunk({ role: "assistant", content: "" });
  for (const content of message.content?.match(/.{1,8}/gs) ?? []) yield chunk({ content });
  for (const [index, call] of (message.tool_calls ?? []).entries())
    yield chunk({ tool_calls: [{ index, ...call }] });
  yield chunk({}, finish);
  if (request.stream_options?.include_usage === true)
    yield { ...shell(request, made, "chat.completion.chunk"), choices: [], usage: chatUsage(made) };
}

function said(made: Generation, sayings: readonly Saying[]) {
  const words = sayings.flatMap((saying) => (saying.kind === "text" ? [saying.text] : []));
  const calls = sayings.flatMap((saying, index) =>
    saying.kind === "call"
      ? [
          {
            id: `call_${made.toolUseId(index)}`,
            type: "function",
            function: { name: saying.name, arguments: JSON.stringify(saying.input) },
          },
        ]
      : [],
  );
  const message = { content: words.join("\n"), ...(calls.length === 0 ? {} : { tool_calls: calls }) };
  return { message, finish: calls.length === 0 ? "stop" : "tool_calls" };
}

function shell({ model = "m" }: ChatRequest, made: Generation, object: string): object {
  return { id: `chatcmpl-${made.messageId}`, object, created: 1_760_000_000, model };
}

function chatUsage(made: Generation): object {
  const { input_tokens, input_tokens_details, output_tokens, output_tokens_details, total_tokens } =
    usageOf(made);
  return {
    prompt_tokens: input_tokens,
    prompt_tokens_details: input_tokens_details,
    completion_tokens: output_tokens,
    completion_tokens_details: output_tokens_details,
    total_tokens,
  };
}
