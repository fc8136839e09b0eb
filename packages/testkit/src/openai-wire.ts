// The fake model as OpenAI's APIs put it: Chat Completions and Responses, as one body or as server-sent events.
import type { Answer } from "./answer.ts";
import type { StreamStep } from "./anthropic-wire.ts";
import type { Generation } from "./generation.ts";
import type { WireBlock, WireMessage, WireRequest } from "./wire-request.ts";

type MessageAnswer = Extract<Answer, { kind: "message" }>;
type Body = Readonly<Record<string, unknown>>;

/** How a call of one of the APIs is read and answered. */
export interface OpenaiApi {
  /** As much as the fake model looks at. */
  read(body: Body): WireRequest;
  json(answer: MessageAnswer, generation: Generation, body: Body): object;
  stream(answer: MessageAnswer, generation: Generation, body: Body): Generator<StreamStep>;
}

const list = (value: unknown): readonly Body[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "object" && each !== null) : [];

const toolsOf = (body: Body): readonly { readonly name: string }[] =>
  list(body["tools"]).map((tool) => {
    const asked = (tool["function"] ?? tool) as Body;
    return { name: String(asked["name"]) };
  });

function request(body: Body, messages: readonly WireMessage[]): WireRequest {
  const tools = toolsOf(body);
  return {
    messages,
    model: String(body["model"]),
    stream: body["stream"] === true,
    ...(tools.length === 0 ? {} : { tools }),
  };
}

const text = (content: unknown): readonly WireBlock[] => [
  {
    type: "text",
    text:
      typeof content === "string"
        ? content
        : list(content)
            .map((part) => String(part["text"]))
            .join("\n"),
  },
];
const result = (content: unknown): WireMessage => ({
  role: "user",
  content: [{ type: "tool_result", content }],
});

const error = (status: number): object => ({
  error: {
    message: `Fake ${status}`,
    type: status === 429 ? "rate_limit_exceeded" : "server_error",
    code: null,
  },
});

/** Body of an error answer, and the headers that tell the client whether to come again. */
export function openaiError(status: number): { body: object; headers: string[] } {
  return { body: error(status), headers: status === 429 ? ["retry-after", "0"] : [] };
}

export function openaiHeaders(requestId: string): string[] {
  return ["x-request-id", requestId, "openai-version", "2020-10-01"];
}

/** The API counts what came from the cache as input, too, and writes to it nothing that it tells. */
function tokens({ usage }: Generation): {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
} {
  const { input_tokens: fresh, cache_read_input_tokens: cached, output_tokens: output } = usage;
  return { input: fresh + cached, cached, output };
}

const pieces = (said: string): readonly string[] => said.match(/[\s\S]{1,12}/g) ?? [];
const wordsOf = ({ content }: MessageAnswer): string =>
  content.flatMap((block) => (block.type === "text" ? [String(block["text"])] : [])).join("");
const callsOf = ({ content }: MessageAnswer): readonly WireBlock[] =>
  content.filter((block) => block.type === "tool_use");
const send = (data: object | string, event?: string): StreamStep => ({
  kind: "send",
  text: `${event === undefined ? "" : `event: ${event}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`,
});

export const CHAT: OpenaiApi = {
  read: (body) =>
    request(
      body,
      list(body["messages"]).map((message) =>
        message["role"] === "tool"
          ? result(message["content"])
          : { role: String(message["role"]), content: text(message["content"]) },
      ),
    ),
  json: (answer, generation, body) => ({
    ...chatHead(generation, body, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: wordsOf(answer),
          refusal: null,
          ...(callsOf(answer).length === 0 ? {} : { tool_calls: callsOf(answer).map(chatCall) }),
        },
        logprobs: null,
        finish_reason: finishOf(answer),
      },
    ],
    usage: chatUsage(generation),
  }),
  *stream(answer, generation, body) {
    const head = chatHead(generation, body, "chat.completion.chunk");
    const told = (body["stream_options"] as Body | undefined)?.["include_usage"] === true;
    const chunk = (delta: object, finish: string | null = null): StreamStep =>
      send({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
    yield chunk({ role: "assistant", content: "", refusal: null });
    for (const content of pieces(wordsOf(answer))) {
      yield chunk({ content });
      if (answer.breaks !== "never") return yield { kind: "cut" };
    }
    for (const [index, block] of callsOf(answer).entries()) {
      const { function: asked, ...call } = chatCall(block);
      yield chunk({ tool_calls: [{ index, ...call, function: { name: asked.name, arguments: "" } }] });
      for (const piece of pieces(asked.arguments))
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
    yield chunk({}, finishOf(answer));
    if (told) yield send({ ...head, choices: [], usage: chatUsage(generation) });
    yield send("[DONE]");
  },
};

function chatHead(generation: Generation, body: Body, object: string): object {
  return { id: `chatcmpl-${generation.messageId}`, object, created: 1_760_000_000, model: body["model"] };
}

function chatCall({ id, name, input }: WireBlock) {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input) } };
}

const finishOf = (answer: MessageAnswer): string =>
  answer.stopReason === "tool_use" ? "tool_calls" : answer.stopReason === "max_tokens" ? "length" : "stop";

function chatUsage(generation: Generation): object {
  const { input, cached, output } = tokens(generation);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

export const RESPONSES: OpenaiApi = {
  read: (body) => {
    const input =
      typeof body["input"] === "string" ? [{ role: "user", content: body["input"] }] : list(body["input"]);
    return request(
      body,
      input.flatMap((item): WireMessage[] => {
        if (item["type"] === "function_call_output") return [result(item["output"])];
        if (item["type"] !== undefined && item["type"] !== "message") return [];
        return [{ role: String(item["role"]), content: text(item["content"]) }];
      }),
    );
  },
  json: (answer, generation, body) => response(answer, generation, body),
  *stream(answer, generation, body) {
    let sequence_number = -1;
    const event = (type: string, fields: object): StreamStep =>
      send({ type, sequence_number: (sequence_number += 1), ...fields }, type);
    const begun = { ...response(answer, generation, body), status: "in_progress", output: [], usage: null };
    yield event("response.created", { response: begun });
    for (const [output_index, item] of itemsOf(answer, generation).entries()) {
      const place = { item_id: item.id, output_index };
      const isCall = item.type === "function_call";
      yield event("response.output_item.added", {
        output_index,
        item: { ...item, status: "in_progress", ...(isCall ? { arguments: "" } : { content: [] }) },
      });
      if (isCall) {
        for (const delta of pieces(item.arguments))
          yield event("response.function_call_arguments.delta", { ...place, delta });
        yield event("response.function_call_arguments.done", { ...place, arguments: item.arguments });
      } else {
        const part = { ...place, content_index: 0 };
        const [content] = item.content;
        yield event("response.content_part.added", { ...part, part: { ...content, text: "" } });
        for (const delta of pieces(wordsOf(answer))) {
          yield event("response.output_text.delta", { ...part, delta, logprobs: [] });
          if (answer.breaks !== "never") return yield { kind: "cut" };
        }
        yield event("response.output_text.done", { ...part, text: wordsOf(answer), logprobs: [] });
        yield event("response.content_part.done", { ...part, part: content });
      }
      yield event("response.output_item.done", { output_index, item });
    }
    yield event("response.completed", { response: response(answer, generation, body) });
  },
};

function itemsOf(answer: MessageAnswer, { messageId }: Generation) {
  const said = {
    id: messageId,
    type: "message" as const,
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", annotations: [], logprobs: [], text: wordsOf(answer) }],
  };
  const calls = callsOf(answer).map(({ id, name, input }) => ({
    id: `fc_${String(id)}`,
    type: "function_call" as const,
    status: "completed",
    call_id: id,
    name,
    arguments: JSON.stringify(input),
  }));
  return [said, ...calls];
}

function response(answer: MessageAnswer, generation: Generation, body: Body): object {
  const { input, cached, output } = tokens(generation);
  return {
    id: `resp_${generation.messageId}`,
    object: "response",
    created_at: 1_760_000_000,
    status: "completed",
    error: null,
    incomplete_details: null,
    model: body["model"],
    output: itemsOf(answer, generation),
    parallel_tool_calls: true,
    previous_response_id: body["previous_response_id"] ?? null,
    store: body["store"] ?? true,
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
    metadata: {},
  };
}
