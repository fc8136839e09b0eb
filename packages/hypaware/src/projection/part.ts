import type { ContentBlock, Json, JsonObject } from "../contract/projection.ts";

/** The columns of a row that come from its content block alone. */
export interface PartColumns {
  readonly part_type: string;
  readonly content_text: string | null;
  readonly tool_name: string | null;
  readonly tool_call_id: string | null;
  readonly tool_args: Json;
  readonly caller_type: string | null;
  readonly tool_result_for: string | null;
  readonly thinking_signature: string | null;
  readonly is_error: true | null;
  readonly status: JsonObject;
}

const PART_TYPES: Readonly<Record<string, string>> = {
  text: "text",
  input_text: "text",
  output_text: "text",
  refusal: "text",
  thinking: "reasoning",
  redacted_thinking: "reasoning",
  reasoning: "reasoning",
  tool_use: "tool_call",
  server_tool_use: "tool_call",
  tool_result: "tool_result",
  web_search_tool_result: "tool_result",
  image: "image",
  input_image: "image",
  image_url: "image",
  document: "file",
  file: "file",
  input_file: "file",
  error: "error",
};

/** `toolName` of a call by its id, for results: they carry no name of their own. */
export function toPart(block: ContentBlock, toolName: (callId: string) => string | undefined): PartColumns {
  const type = blockType(block);
  const partType = type === null ? "text" : partTypeOf(type);
  const isCall = partType === "tool_call";
  const isResult = partType === "tool_result";
  const callId = isCall
    ? (text(block["call_id"]) ?? text(block["id"]))
    : isResult
      ? (text(block["tool_use_id"]) ?? text(block["call_id"]))
      : null;
  const isError = block["is_error"] === true || block["success"] === false ? true : null;
  const caller = block["caller"];
  return {
    part_type: partType,
    content_text: contentText(block, type, partType),
    tool_name: isCall
      ? callName(block, type)
      : isResult && callId !== null
        ? (toolName(callId) ?? null)
        : null,
    tool_call_id: callId,
    tool_args: isCall ? (block["input"] ?? block["arguments"] ?? block["action"] ?? null) : null,
    caller_type: isObject(caller) ? text(caller["type"]) : null,
    tool_result_for: isResult ? callId : null,
    thinking_signature:
      partType === "reasoning" ? (text(block["signature"]) ?? text(block["encrypted_content"])) : null,
    is_error: isError,
    status: {
      ...(isResult ? { tool_status: isError === true ? "error" : "success" } : {}),
      ...(partType === "error" ? errorStatus(block) : {}),
    },
  };
}

/** Ids of the calls among these. */
export function callIds(blocks: readonly ContentBlock[]): readonly string[] {
  return blocks.flatMap((block) => {
    const { part_type: type, tool_call_id: id } = toPart(block, () => undefined);
    return type === "tool_call" && id !== null ? [id] : [];
  });
}

/** Of the many kinds of calls and their outputs each protocol knows some: `<tool>_call`, `<tool>_call_output`. */
function partTypeOf(type: string): string {
  return knownPartType(type) ?? type;
}

/** `undefined`: nothing is known of such blocks. */
export function knownPartType(type: string): string | undefined {
  if (Object.hasOwn(PART_TYPES, type)) return PART_TYPES[type];
  if (type.endsWith("_call")) return "tool_call";
  return type.endsWith("_output") ? "tool_result" : undefined;
}

/** A call that has no name is one of a tool that the protocol itself knows, as `web_search_call`. */
function callName(block: ContentBlock, type: string | null): string | null {
  return text(block["name"]) ?? (type?.endsWith("_call") === true ? type.slice(0, -"_call".length) : null);
}

/** null when the block has no type of its own. */
export function blockType(block: ContentBlock): string | null {
  const type = block["type"];
  return typeof type === "string" && type !== "" ? type : null;
}

function contentText(block: ContentBlock, type: string | null, partType: string): string | null {
  if (partType === "tool_result") return textsOf(block["content"] ?? block["output"]);
  if (type === "thinking") return text(block["thinking"]);
  if (type === "reasoning") return textsOf(block["content"]) ?? textsOf(block["summary"]);
  if (type === "refusal") return text(block["refusal"]);
  if (type === "redacted_thinking") return text(block["data"]);
  if (partType === "error") return text(block["message"]) ?? text(block["text"]);
  return partType === "text" ? text(block["text"]) : null;
}

function textsOf(content: Json | undefined): string | null {
  if (!Array.isArray(content)) return text(content);
  const texts = content.flatMap((each: Json) => (isObject(each) ? (text(each["text"]) ?? []) : []));
  return texts.length === 0 ? null : texts.join("\n");
}

function errorStatus(block: ContentBlock): JsonObject {
  const code = text(block["error_code"]) ?? text(block["code"]);
  const message = text(block["message"]) ?? text(block["text"]);
  return {
    ...(code === null ? {} : { error_code: code }),
    ...(message === null ? {} : { error_message: message }),
  };
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
