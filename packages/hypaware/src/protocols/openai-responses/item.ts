import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { asName, asObjects, asText, known, parseJson, present } from "../loose.ts";

/** One entry of `input` or `output`. */
export interface ResponseItem {
  readonly type: string;
  readonly role: string;
  /** Its name, the same in an answer and in each request that repeats it. */
  readonly id?: string;
  readonly blocks: readonly ContentBlock[];
  /** What is said of it beside its content. */
  readonly details: JsonObject;
  /** The whole item, when it is of a kind that we know too little of to take it apart. */
  readonly unknown?: JsonObject;
}

/** Kinds whose content is a list of parts; the others are one piece. */
const SPOKEN = new Set(["message", "agent_message"]);
const KNOWN = new Set([
  ...SPOKEN,
  "reasoning",
  "additional_tools",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
  "local_shell_call",
  "local_shell_call_output",
  "item_reference",
]);
const DETAILS = ["phase", "namespace", "author", "recipient"] as const;
/** Not content: they name the item, or say how far it is. */
const OUTER = new Set(["id", "role", "status", ...DETAILS]);

export function readItem(item: JsonObject): ResponseItem {
  const type = asName(item["type"]) ?? "message";
  return {
    type,
    role: asName(item["role"]) ?? roleOf(type),
    blocks: SPOKEN.has(type) ? partsOf(item["content"]) : [pieceOf(type, item)],
    details: present(item, DETAILS),
    ...known({ id: asName(item["id"]) }),
    ...(KNOWN.has(type) ? {} : { unknown: item }),
  };
}

/** The tools that an item brings: newer models get them as the first item of the input. */
export function toolsOfItem(item: JsonObject): readonly JsonObject[] {
  return item["type"] === "additional_tools" ? asObjects(item["tools"]) : [];
}

/** Of items that name none. */
function roleOf(type: string): string {
  if (type.endsWith("_output")) return "tool";
  if (SPOKEN.has(type) || type.endsWith("_response") || type.endsWith("_trigger")) return "user";
  return type === "additional_tools" ? "developer" : "assistant";
}

function partsOf(content: Json | undefined): readonly ContentBlock[] {
  const text = asText(content);
  if (text === undefined) return asObjects(content);
  return text === "" ? [] : [{ type: "text", text }];
}

function pieceOf(type: string, item: JsonObject): ContentBlock {
  if (type === "additional_tools") return { type };
  const content = Object.entries(item).filter(([name]) => !OUTER.has(name));
  const args = asText(item["arguments"]);
  return {
    type,
    // A tool that the provider runs itself has no other name for its call.
    ...(type.endsWith("_call") && item["call_id"] === undefined ? known({ id: item["id"] }) : {}),
    ...Object.fromEntries(content),
    ...(args === undefined ? {} : { arguments: parseJson(args) ?? args }),
  };
}
