import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { asName, asObjects, present } from "../loose.ts";
import { openaiSystem } from "../openai-system.ts";
import { blocksOf } from "./message.ts";

/** One entry of `messages`. */
export interface WireMessage {
  readonly role: string;
  readonly blocks: readonly ContentBlock[];
}

export interface ChatRequest {
  readonly messages: readonly WireMessage[];
  /** `messages[0].content` as it was sent. */
  readonly firstContent: Json | undefined;
  readonly model: string | undefined;
  /** Of servers that take it beside the messages. */
  readonly system: string | undefined;
  readonly tools: Json | undefined;
  readonly settings: JsonObject;
}

const SETTINGS = [
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "reasoning_effort",
  "response_format",
  "tool_choice",
  "parallel_tool_calls",
  "service_tier",
  "n",
  "stream",
  "stream_options",
] as const;

export function readRequest(body: JsonObject): ChatRequest {
  const messages = asObjects(body["messages"]);
  return {
    messages: messages.map((message) => ({
      role: asName(message["role"]) ?? "user",
      blocks: blocksOf(message),
    })),
    firstContent: messages[0]?.["content"],
    model: asName(body["model"]),
    system: openaiSystem(body["system"]),
    tools: body["tools"] ?? body["functions"] ?? undefined,
    settings: present(body, SETTINGS),
  };
}
