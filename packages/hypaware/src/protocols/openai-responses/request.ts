import type { Json, JsonObject } from "../../contract/projection.ts";
import { asName, asObjects, present } from "../loose.ts";
import { openaiSystem } from "../openai-system.ts";
import { readItem, type ResponseItem, toolsOfItem } from "./item.ts";

export interface ResponsesRequest {
  readonly items: readonly ResponseItem[];
  /** What the first item says, as it was sent. */
  readonly firstContent: Json | undefined;
  readonly model: string | undefined;
  /** Its `instructions`; other servers than OpenAI's take `system`. */
  readonly instructions: string | undefined;
  /** The body's, and those that come as items of the input. */
  readonly tools: Json | undefined;
  readonly previousResponseId: string | undefined;
  readonly settings: JsonObject;
}

const SETTINGS = [
  "max_output_tokens",
  "temperature",
  "reasoning",
  "text",
  "tool_choice",
  "parallel_tool_calls",
  "service_tier",
  "truncation",
  "store",
  "stream",
] as const;

export function readRequest(body: JsonObject): ResponsesRequest {
  const items = itemsOf(body["input"]);
  const [first] = items;
  return {
    items: items.map(readItem),
    firstContent: first?.["content"] ?? first,
    model: asName(body["model"]),
    instructions: asName(body["instructions"]) ?? openaiSystem(body["system"]),
    tools: toolsOf(body, items),
    previousResponseId: asName(body["previous_response_id"]),
    settings: present(body, SETTINGS),
  };
}

/** A string is what the user says. */
function itemsOf(input: Json | undefined): readonly JsonObject[] {
  const text = asName(input);
  return text === undefined ? asObjects(input) : [{ type: "message", role: "user", content: text }];
}

function toolsOf(body: JsonObject, items: readonly JsonObject[]): Json | undefined {
  const added = items.flatMap(toolsOfItem);
  if (added.length === 0) return body["tools"] ?? undefined;
  return [...asObjects(body["tools"]), ...added];
}
