// How many messages a program's calls make that keeps no record: each call's list goes on from a thread that already has an answer of it, or
// from the response that it names, or repeats an attempt that failed; else it begins a thread. Shares no code with the product.

import type { HttpCall } from "../scenario.ts";
import { eventsOf } from "./usage.ts";

type Loose = { readonly [name: string]: unknown };

interface Thread {
  /** One text per message. */
  path: readonly string[];
  /** Places of answers in it. */
  readonly answers: Set<number>;
  readonly responseIds: Set<string>;
}

export function countMessages(calls: readonly HttpCall[]): number {
  const threads: Thread[] = [];
  let count = 0;
  for (const call of calls.toSorted((a, b) => a.endMs - b.endMs)) {
    const asked = askedOf(call);
    if (asked === undefined) continue;
    const answer = answerOf(call);
    const thread = threads.findLast((each) => goesOn(each, asked)) ?? {
      path: [],
      answers: new Set(),
      responseIds: new Set(),
    };
    if (!threads.includes(thread)) threads.push(thread);
    const common = asked.previousId === undefined ? commonPrefix(thread.path, asked.list) : 0;
    count += asked.list.length - common + answer.list.length;
    const base = asked.previousId === undefined ? thread.path.slice(0, common) : thread.path;
    const before = [...base, ...asked.list.slice(common)];
    thread.path = [...before, ...answer.list];
    for (let place = before.length; place < thread.path.length; place++) thread.answers.add(place);
    if (answer.id !== undefined) thread.responseIds.add(answer.id);
  }
  return count;
}

interface Asked {
  readonly list: readonly string[];
  readonly previousId: string | undefined;
}

function goesOn({ path, answers, responseIds }: Thread, { list, previousId }: Asked): boolean {
  if (previousId !== undefined) return responseIds.has(previousId);
  const common = commonPrefix(path, list);
  const repeatsAnswer = [...answers].some((place) => place < common);
  return repeatsAnswer || (answers.size === 0 && common === path.length && common === list.length);
}

function commonPrefix(path: readonly string[], list: readonly string[]): number {
  const end = list.findIndex((each, index) => path[index] !== each);
  return end === -1 ? list.length : end;
}

function askedOf({ method, target, body }: HttpCall): Asked | undefined {
  if (method !== "POST" || /count_tokens|embeddings/.test(target)) return undefined;
  const [request] = eventsOf(body);
  if (request === undefined) return undefined;
  if (target.includes("enerateContent"))
    return geminiAsked(target, (request["request"] as Loose | undefined) ?? request);
  const { messages, input, previous_response_id: previousId } = request;
  if (messages === undefined && input === undefined) return undefined;
  const list = typeof input === "string" ? [{ role: "user", content: input }] : (messages ?? input);
  return {
    list: (list as Loose[]).flatMap(said),
    previousId: typeof previousId === "string" ? previousId : undefined,
  };
}

/** A choice of model asks for no message. */
function geminiAsked(target: string, { contents, generationConfig: config }: Loose): Asked | undefined {
  if (
    target.includes(":generateContent") &&
    /complexity_score|model_choice/.test(JSON.stringify(config ?? {}))
  )
    return undefined;
  return { list: ((contents as Loose[] | undefined) ?? []).flatMap(geminiSaid), previousId: undefined };
}

/** Ids of calls are the client's, and new with each request. */
function geminiSaid({ role, parts }: Loose): readonly string[] {
  const said = ((parts as Loose[] | undefined) ?? []).flatMap(
    ({ text, thought, functionCall: call, functionResponse: answer }) => {
      if (thought === true) return [];
      if (typeof text === "string") return text === "" ? [] : [text];
      const { name, args, response: result } = ((call ?? answer) as Loose | undefined) ?? {};
      return [JSON.stringify([name, args, result])];
    },
  );
  return said.length === 0 ? [] : [JSON.stringify([role ?? "user", said.join("")])];
}

interface Answer {
  readonly id: string | undefined;
  readonly list: readonly string[];
}

function answerOf({ answer }: HttpCall): Answer {
  const values = eventsOf(answer.body);
  const none: Answer = { id: undefined, list: [] };
  const candidates = values.flatMap((value) => {
    const { candidates: told } = (value["response"] as Loose | undefined) ?? value;
    return (told as Loose[] | undefined) ?? [];
  });
  if (candidates.length > 0) {
    const parts = candidates.flatMap(
      ({ content }) => ((content as Loose | undefined)?.["parts"] as Loose[] | undefined) ?? [],
    );
    return { id: undefined, list: geminiSaid({ role: "model", parts }) };
  }
  if (answer.status >= 400 || values.length === 0) return none;
  if (values.some(({ type }) => type === "message_start" || type === "message"))
    return anthropicAnswer(values);
  if (values.some(({ object }) => String(object).startsWith("chat.completion"))) return chatAnswer(values);
  const ended = values.findLast(({ response }) => response !== undefined)?.["response"] ?? values[0];
  const { id, output } = ended as Loose;
  const items = values
    .filter(({ type }) => type === "response.output_item.done")
    .map(({ item }) => item as Loose);
  // A cut answer has what was begun, too.
  const opened = values.filter(({ type }) => type === "response.output_item.added").length;
  const whole = Array.isArray(output) && output.length > 0 ? (output as Loose[]) : items;
  const list = whole.flatMap(said);
  const missing = Math.max(0, opened - whole.length);
  return {
    id: typeof id === "string" ? id : undefined,
    list: [...list, ...Array.from({ length: missing }, () => "cut")],
  };
}

function anthropicAnswer(values: readonly Loose[]): Answer {
  const whole = values.find(({ type }) => type === "message");
  if (whole !== undefined) return { id: undefined, list: [whole].flatMap(said) };
  const blocks: Loose[] = [];
  for (const value of values) {
    const index = Number(value["index"]);
    if (value["type"] === "content_block_start") blocks[index] = { ...(value["content_block"] as Loose) };
    if (value["type"] !== "content_block_delta") continue;
    const { text, thinking, partial_json: json } = value["delta"] as Loose;
    const block = blocks[index] as Record<string, string>;
    if (typeof text === "string") block["text"] += text;
    if (typeof thinking === "string") block["thinking"] += thinking;
    if (typeof json === "string") block["json"] = (block["json"] ?? "") + json;
  }
  const content = blocks.map(({ json, ...block }) =>
    json === undefined ? block : { ...block, input: JSON.parse(json as string) as unknown },
  );
  return { id: undefined, list: [{ role: "assistant", content }].flatMap(said) };
}

function chatAnswer(values: readonly Loose[]): Answer {
  const choices = values.flatMap(({ choices }) => (choices as Loose[] | undefined) ?? []);
  const whole = choices.find(({ message }) => message !== undefined)?.["message"];
  if (whole !== undefined) return { id: undefined, list: [whole as Loose].flatMap(said) };
  let content = "";
  const calls: { id: unknown; name: string; arguments: string }[] = [];
  for (const { delta } of choices) {
    const { content: more, tool_calls: told } = delta as Loose;
    if (typeof more === "string") content += more;
    for (const { index, id, function: call } of (told as Loose[] | undefined) ?? []) {
      const { name, arguments: args } = (call as Loose | undefined) ?? {};
      const known = (calls[Number(index)] ??= { id, name: "", arguments: "" });
      known.name += typeof name === "string" ? name : "";
      known.arguments += typeof args === "string" ? args : "";
    }
  }
  const toolCalls = calls.map(({ id, ...call }) => ({ id, type: "function", function: call }));
  return {
    id: undefined,
    list: [{ role: "assistant", content, ...(calls.length > 0 ? { tool_calls: toolCalls } : {}) }].flatMap(
      said,
    ),
  };
}

/** What a message says, the same for an answer and for its echo; none for one without content. */
function said(message: Loose): readonly string[] {
  const { type, role, content, tool_calls: calls, call_id: callId, tool_call_id: toolCallId } = message;
  const { name, arguments: args, output, summary } = message;
  const texts =
    typeof content === "string" ? [content] : ((content as Loose[] | null | undefined) ?? []).map(textOf);
  const own = texts.filter((text) => text !== "");
  const rest = [callId ?? toolCallId, name, args, output, calls, summary].filter(
    (each) => each !== undefined,
  );
  if (own.length === 0 && rest.length === 0 && type !== "reasoning") return [];
  if (type === "reasoning") return ["reasoning"];
  return [JSON.stringify([role, own, rest])];
}

function textOf({
  type,
  text,
  cache_control: _cache,
  annotations: _annotations,
  logprobs: _logprobs,
  citations: _citations,
  caller: _caller,
  ...rest
}: Loose): string {
  if (typeof text === "string") return text;
  return JSON.stringify([type, ...Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
