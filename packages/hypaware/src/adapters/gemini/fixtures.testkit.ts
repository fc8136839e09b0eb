import { readFileSync } from "node:fs";
import type { ExchangeRecord, JsonObject, Projection } from "../../contract/plugin.ts";
import * as records from "../../protocols/exchange-record.testkit.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";

/** Exchanges of real client runs, in the order in which they began; prompts and tool descriptions of the vendor are cut. */
export const FIXTURES = [
  "plain",
  "bash",
  "parallel",
  "resume",
  "cut-resume",
  "signed-in",
  "stream-cut-once",
  "error-503",
] as const;

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8"));

export const readFixture = (name: string): readonly ExchangeRecord[] => read(name) as ExchangeRecord[];

/** Lines of the client's own chats, by their files below its folder. Those of `signed-in` have ids that are made up. */
export const readChats = (name: string): Readonly<Record<string, readonly JsonObject[]>> =>
  read(`${name}.chats`) as Record<string, readonly JsonObject[]>;

/** A message as the chat has it in the end. */
export interface ChatMessage {
  readonly id: string;
  readonly type: "user" | "gemini";
  readonly text?: string;
  readonly tokens?: Readonly<Record<"input" | "output" | "cached" | "thoughts" | "tool" | "total", number>>;
  readonly model?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly args: JsonObject }[];
  readonly results?: readonly { readonly id: string; readonly output: string }[];
}

interface ChatLine {
  readonly id?: string;
  readonly type: "user" | "gemini";
  readonly content: string | readonly ChatPart[];
  readonly tokens?: ChatMessage["tokens"];
  readonly model?: string;
  readonly toolCalls?: ChatMessage["calls"];
  readonly $set?: { readonly messages?: readonly ChatLine[] };
}

interface ChatPart {
  readonly text?: string;
  readonly functionResponse?: { readonly id: string; readonly response: { readonly output: string } };
}

/** What the client takes up an old session with says no tokens, and each result twice. */
export function readChat(name: string): readonly ChatMessage[] {
  const known = new Map<string, ChatMessage>();
  let order: string[] = [];
  for (const line of Object.values(readChats(name)).flat() as unknown as readonly ChatLine[]) {
    if (line.$set?.messages !== undefined) order = line.$set.messages.map(({ id }) => id ?? "");
    for (const each of line.$set?.messages ?? []) if (!known.has(each.id!)) known.set(each.id!, said(each));
    if (line.id === undefined) continue;
    known.set(line.id, said(line));
    if (!order.includes(line.id)) order.push(line.id);
  }
  return order.filter((id) => !id.endsWith("_response")).map((id) => known.get(id)!);
}

function said({ id = "", type, content, tokens, model, toolCalls }: ChatLine): ChatMessage {
  const parts = typeof content === "string" ? [{ text: content }] : content;
  const texts = parts.flatMap(({ text = "" }) => (text === "" ? [] : [text]));
  const results = parts.flatMap(({ functionResponse: result }) =>
    result === undefined ? [] : [{ id: result.id, output: result.response.output }],
  );
  return {
    id,
    type,
    ...(texts.length === 0 ? {} : { text: texts.join("") }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(model === undefined ? {} : { model }),
    ...(toolCalls === undefined ? {} : { calls: toolCalls }),
    ...(results.length === 0 ? {} : { results }),
  };
}

/** By the one that takes it. */
export const project = (record: ExchangeRecord, lines?: records.LogLine[]): Projection | undefined =>
  records.projectWith(geminiProjector, record, lines) ??
  records.projectWith(generateContentProjector, record, lines);

export const GENERATE = "/v1beta/models/gemini-pro:generateContent";

/** A whole exchange from what matters to a test. */
export const exchange = (parts: Parameters<typeof records.exchange>[0] = {}): ExchangeRecord =>
  records.exchange({ upstream: "gemini", provider: "google", path: GENERATE, ...parts });
