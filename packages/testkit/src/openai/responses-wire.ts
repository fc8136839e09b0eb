import { createHash } from "node:crypto";
import type { Generation } from "../generation.ts";
import type { Item, Saying } from "./script.ts";

export interface ResponsesRequest {
  readonly model?: string;
  readonly stream?: boolean;
  readonly input?: string | readonly Item[];
  readonly tools?: readonly Item[];
  readonly reasoning?: { readonly effort?: string | null } | null;
  readonly previous_response_id?: string | null;
  /** False: the client only opens the way. */
  readonly generate?: boolean;
}

export interface ResponsesUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

/** A response of the Responses API as it is when it has ended. */
export interface Response {
  readonly id: string;
  readonly output: readonly Item[];
  readonly usage: ResponsesUsage | null;
  readonly [key: string]: unknown;
}

const REASONING_TOKENS = 5;

export function itemsOf({ input }: ResponsesRequest): readonly Item[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : (input ?? []);
}

/** Newer clients send their tools as an item of the input. */
export function toolNames({ tools = [] }: ResponsesRequest, items: readonly Item[]): ReadonlySet<string> {
  const told = [...tools, ...items.flatMap((item) => (item["tools"] ?? []) as readonly Item[])];
  const flat = told.flatMap((tool) =>
    tool.type === "namespace" ? (tool["tools"] as readonly Item[]) : [tool],
  );
  return new Set(flat.map((tool) => String(tool["name"])));
}

export function usageOf({ usage }: Generation): ResponsesUsage {
  const { input_tokens: fresh, cache_read_input_tokens: cached, output_tokens: output } = usage;
  return {
    input_tokens: fresh + cached,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: REASONING_TOKENS },
    total_tokens: fresh + cached + output,
  };
}

export function responseTo(
  request: ResponsesRequest,
  made: Generation,
  sayings: readonly Saying[],
): Response {
  const id = (prefix: string, index: number): string =>
    `${prefix}_${digest(`${made.messageId}:${prefix}:${index}`)}`;
  const reasoning: Item = {
    id: id("rs", 0),
    type: "reasoning",
    summary: [{ type: "summary_text", text: `**Thinking ${made.n}**` }],
    encrypted_content: `gAAAA${digest(made.signature)}`,
  };
  const said = sayings.map((saying, index): Item => {
    const called = { status: "completed", call_id: id("call", index) };
    switch (saying.kind) {
      case "text":
        return {
          id: id("msg", index),
          type: "message",
          status: "completed",
          role: "assistant",
          phase: sayings.length > 1 ? "commentary" : "final_answer",
          content: [{ type: "output_text", text: saying.text, annotations: [], logprobs: [] }],
        };
      case "custom":
        return {
          id: id("ctc", index),
          type: "custom_tool_call",
          ...called,
          name: saying.name,
          input: saying.input,
        };
      case "call": {
        const { name, namespace, input } = saying;
        const inside = namespace === undefined ? {} : { namespace };
        return {
          id: id("fc", index),
          type: "function_call",
          ...called,
          name,
          ...inside,
          arguments: JSON.stringify(input),
        };
      }
    }
  });
  const output = (request.reasoning?.effort ?? null) === null ? said : [reasoning, ...said];
  return { ...shell(request, id("resp", 0)), status: "completed", output, usage: usageOf(made) };
}

/** Of a request that asks for nothing yet. */
export function emptyResponse(request: ResponsesRequest, id: string): Response {
  return { ...shell(request, id), status: "completed", output: [], usage: null };
}

function shell({ model = "m", previous_response_id: previous = null }: ResponsesRequest, id: string) {
  const fixed = { object: "response", created_at: 1_760_000_000, error: null, incomplete_details: null };
  return { id, ...fixed, model, previous_response_id: previous, service_tier: "default", store: false };
}

/** An event of a stream, or a message of a WebSocket. */
export interface ResponsesEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly [key: string]: unknown;
}

/** What comes before a response has ended, and its end. */
export function* eventsOf(response: Response): Generator<ResponsesEvent> {
  let sequence = 0;
  const event = (type: string, fields: object): ResponsesEvent => ({
    type,
    sequence_number: sequence++,
    ...fields,
  });
  yield event("response.created", {
    response: { ...response, status: "in_progress", output: [], usage: null },
  });
  for (const [index, item] of response.output.entries()) {
    const at = { output_index: index, item_id: item["id"] };
    const started = { ...item, ...(item.type === "reasoning" ? { summary: [] } : { status: "in_progress" }) };
    yield event("response.output_item.added", { output_index: index, item: { ...started, ...unsaid(item) } });
    if (item.type === "reasoning") {
      const [part] = item["summary"] as readonly { readonly text: string }[];
      const thought = { ...at, summary_index: 0 };
      const blank = { type: "summary_text", text: "" };
      yield event("response.reasoning_summary_part.added", { ...thought, part: blank });
      yield event("response.reasoning_summary_text.delta", { ...thought, delta: part!.text });
      yield event("response.reasoning_summary_text.done", { ...thought, text: part!.text });
      yield event("response.reasoning_summary_part.done", { ...thought, part });
    }
    if (item.type === "message") {
      const [part] = item.content as readonly { readonly text: string }[];
      const spoken = { ...at, content_index: 0 };
      yield event("response.content_part.added", {
        ...spoken,
        part: { type: "output_text", text: "", annotations: [] },
      });
      for (const delta of part!.text.match(/.{1,8}/gs) ?? [])
        yield event("response.output_text.delta", { ...spoken, delta });
      yield event("response.output_text.done", { ...spoken, text: part!.text });
      yield event("response.content_part.done", { ...spoken, part });
    }
    yield event("response.output_item.done", { output_index: index, item });
  }
  yield event("response.completed", { response });
}

function unsaid({ type }: Item): object {
  if (type === "message") return { content: [] };
  if (type === "custom_tool_call") return { input: "" };
  return type === "function_call" ? { arguments: "" } : {};
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 50);
}
