import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { asName, asObject, asObjects, asText, parseJson, present } from "../loose.ts";

/** One entry of `messages`. */
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
  /** Sampling and transport settings: what is there of SETTINGS. */
  readonly settings: JsonObject;
}

const SETTINGS = ["max_tokens", "thinking", "output_config", "context_management", "stream"] as const;

/** `undefined` when the body is not a JSON object. */
export function readRequest(body: string | null): MessagesRequest | undefined {
  const value = asObject(parseJson(body));
  if (value === undefined) return undefined;
  const messages = asObjects(value["messages"]);
  const systemTexts = textsOf(value["system"]);
  return {
    messages: messages.map((message) => ({
      role: asName(message["role"]) ?? "user",
      blocks: contentOf(message["content"]),
    })),
    firstContent: messages[0]?.["content"],
    model: asName(value["model"]),
    systemText: systemTexts.length === 0 ? undefined : systemTexts.join("\n\n"),
    systemTexts,
    tools: value["tools"] ?? undefined,
    metadata: asObject(value["metadata"]),
    settings: present(value, SETTINGS),
  };
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
