// What each answer cost, read from its bytes. This folder shares no code with the product: what it says is the yardstick.

export interface ToldUsage {
  /** The provider's id of the answer. */
  readonly id: string;
  /** Without cache reads and writes. */
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** With reasoning. */
  readonly output: number;
}

type Loose = { readonly [name: string]: unknown };

/** `undefined`: the answer says nothing of usage. */
export function usageOf(body: string): ToldUsage | undefined {
  const values = eventsOf(body);
  return anthropic(values) ?? responses(values) ?? chat(values) ?? gemini(values);
}

/** JSON values of an answer: one, the elements of a list, or the data of its events. */
export function eventsOf(body: string): readonly Loose[] {
  const whole = parse(body);
  if (Array.isArray(whole)) return whole.filter(isObject);
  if (isObject(whole)) return [whole];
  return body.split(/\r?\n/).flatMap((line) => {
    const value = line.startsWith("data:") ? parse(line.slice(5)) : undefined;
    return isObject(value) ? [value] : [];
  });
}

function anthropic(values: readonly Loose[]): ToldUsage | undefined {
  const opened = values.find(({ type }) => type === "message_start");
  const message = object(opened?.["message"]) ?? values.find(({ type }) => type === "message");
  if (message === undefined) return undefined;
  const usage: Record<string, unknown> = { ...object(message["usage"]) };
  for (const { type, usage: more } of values)
    if (type === "message_delta")
      for (const [name, value] of Object.entries(object(more) ?? {})) if (value !== null) usage[name] = value;
  return {
    id: String(message["id"]),
    input: number(usage["input_tokens"]),
    cacheRead: number(usage["cache_read_input_tokens"]),
    cacheWrite: number(usage["cache_creation_input_tokens"]),
    output: number(usage["output_tokens"]),
  };
}

function responses(values: readonly Loose[]): ToldUsage | undefined {
  const ended = values.findLast(
    ({ type }) =>
      type === "response.completed" || type === "response.incomplete" || type === "response.failed",
  );
  const response = object(ended?.["response"]) ?? values.find(({ object: kind }) => kind === "response");
  const usage = object(response?.["usage"]);
  if (response === undefined || usage === undefined) return undefined;
  const details = object(usage["input_tokens_details"]);
  const [cacheRead, cacheWrite] = [
    number(details?.["cached_tokens"]),
    number(details?.["cache_write_tokens"]),
  ];
  return {
    id: String(response["id"]),
    input: number(usage["input_tokens"]) - cacheRead - cacheWrite,
    cacheRead,
    cacheWrite,
    output: number(usage["output_tokens"]),
  };
}

function chat(values: readonly Loose[]): ToldUsage | undefined {
  const told = values.findLast(
    ({ object: kind, usage }) => String(kind).startsWith("chat.completion") && isObject(usage),
  );
  const usage = object(told?.["usage"]);
  if (told === undefined || usage === undefined) return undefined;
  const cacheRead = number(object(usage["prompt_tokens_details"])?.["cached_tokens"]);
  return {
    id: String(told["id"]),
    input: number(usage["prompt_tokens"]) - cacheRead,
    cacheRead,
    cacheWrite: 0,
    output: number(usage["completion_tokens"]),
  };
}

function gemini(values: readonly Loose[]): ToldUsage | undefined {
  const inner = values.map((value) => object(value["response"]) ?? value);
  const told = inner.findLast(({ usageMetadata }) => isObject(usageMetadata));
  const usage = object(told?.["usageMetadata"]);
  if (told === undefined || usage === undefined) return undefined;
  const cacheRead = number(usage["cachedContentTokenCount"]);
  return {
    id: String(told["responseId"]),
    input: number(usage["promptTokenCount"]) + number(usage["toolUsePromptTokenCount"]) - cacheRead,
    cacheRead,
    cacheWrite: 0,
    output: number(usage["candidatesTokenCount"]) + number(usage["thoughtsTokenCount"]),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object = (value: unknown): Loose | undefined => (isObject(value) ? value : undefined);
const number = (value: unknown): number => (typeof value === "number" ? value : 0);
