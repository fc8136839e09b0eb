import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import type { CallFacts } from "../call.ts";
import { requestObject } from "../exchange-record.ts";
import { asName, asObject, asObjects, asText, present } from "../loose.ts";

/** One entry of `messages`. An entry that an earlier request held, too, is the same object. */
export interface WireMessage {
  readonly role: string;
  /** A string is one text block; an empty one is none. */
  readonly blocks: readonly ContentBlock[];
}

/** A request for an answer, or for its count of tokens. */
export interface MessagesRequest {
  readonly messages: readonly WireMessage[];
  /** `messages[0].content` as it was sent. */
  readonly firstContent: Json | undefined;
  readonly model: string | undefined;
  /** Blocks joined by a blank line. */
  readonly systemText: string | undefined;
  /** Texts of the system blocks, one by one. */
  readonly systemTexts: readonly string[];
  readonly tools: Json | undefined;
  readonly metadata: JsonObject | undefined;
  readonly body: JsonObject;
  /** Sampling and transport settings: what is there of SETTINGS. */
  readonly settings: JsonObject;
  /** The provider keeps the conversation (`message-threads` beta): a body may hold only what is new after an answer. */
  readonly thread: ThreadFacts;
}

type ThreadFacts = Pick<CallFacts, "previousResponseId" | "isHistoryLeftOut" | "isResponseKept">;

const SETTINGS = ["max_tokens", "thinking", "output_config", "context_management", "stream"] as const;

const wireMessages = new WeakMap<JsonObject, WireMessage>();

/** `undefined` when the body is not a JSON object. What it gives is shared between requests: not to be changed. */
export function readRequest(record: Pick<ExchangeRecord, "request_body">): MessagesRequest | undefined {
  const value = requestObject(record);
  if (value === undefined) return undefined;
  const messages = asObjects(value["messages"]);
  const systemTexts = textsOf(value["system"]);
  return {
    messages: messages.map(wireMessage),
    firstContent: messages[0]?.["content"],
    model: asName(value["model"]),
    systemText: systemTexts.length === 0 ? undefined : systemTexts.join("\n\n"),
    systemTexts,
    tools: Object.freeze(value["tools"]) ?? undefined,
    metadata: asObject(value["metadata"]),
    body: value,
    settings: present(value, SETTINGS),
    thread: threadOf(asObject(value["thread"])),
  };
}

function threadOf(thread: JsonObject | undefined): ThreadFacts {
  if (thread === undefined) return {};
  const previous = thread["type"] === "continue" ? asName(thread["previous_message_id"]) : undefined;
  const goesOn = previous === undefined ? {} : { previousResponseId: previous, isHistoryLeftOut: true };
  return { isResponseKept: true, ...goesOn };
}

function wireMessage(message: JsonObject): WireMessage {
  let known = wireMessages.get(message);
  if (known === undefined) {
    const blocks = contentOf(message["content"]);
    wireMessages.set(message, (known = { role: asName(message["role"]) ?? "user", blocks }));
  }
  return known;
}

/** The texts of a message, one per text block. */
export function textsOfBlocks(blocks: readonly ContentBlock[]): readonly string[] {
  return blocks.flatMap((block) => (block["type"] === "text" ? (asText(block["text"]) ?? []) : []));
}

function contentOf(content: Json | undefined): readonly ContentBlock[] {
  const text = asText(content);
  if (text === undefined) return asObjects(content);
  return text === "" ? [] : [{ type: "text", text }];
}

function textsOf(system: Json | undefined): readonly string[] {
  const text = asName(system);
  return text === undefined ? textsOfBlocks(asObjects(system)) : [text];
}
