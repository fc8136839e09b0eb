// Keys by which a message of the wire and a row of the client's database are known to be the same, made of what both say. The database
// has no id of the wire but those of tool calls and of items; of an answer beside these it has its tokens and its text.
import type { ContentBlock, Json, ProjectedMessage, Usage } from "../../contract/plugin.ts";
import { asText } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/** Of a message of the wire. `usage`: of the answer that it is. */
export function wireLinks(message: ProjectedMessage, usage: Usage | undefined): readonly string[] {
  const blocks = typeof message.content === "string" ? [] : message.content;
  return [
    ...(message.message_id === undefined ? [] : [itemLink(message.message_id)]),
    ...blocks.flatMap(callLinks),
    ...(message.is_answer === true ? answerLinks(blocks, usage) : []),
  ];
}

/** Of an answer, with the tokens that it cost. */
export function answerLinks(blocks: readonly ContentBlock[], usage: Usage | undefined): readonly string[] {
  const said = blocks.flatMap(saidOf);
  if (said.length === 0) return [];
  const { input_tokens = 0, output_tokens = 0, cache_read_tokens = 0, cache_write_tokens = 0 } = usage ?? {};
  const tokens = [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens].join("/");
  return [`answer:${tokens}=${shortHash(said)}`];
}

export function itemLink(id: string): string {
  return `item:${id}`;
}

/** Of a block that makes or answers a call. */
export function callLinks(block: ContentBlock): readonly string[] {
  const id = asText(block["call_id"]) ?? asText(block["id"]);
  switch (block["type"]) {
    case "tool_use":
    case "function_call":
    case "custom_tool_call":
      return id === undefined ? [] : [`call:${id}`];
    case "tool_result":
      return [`result:${asText(block["tool_use_id"])}`];
    case "function_call_output":
    case "custom_tool_call_output":
      return id === undefined ? [] : [`result:${id}`];
    default:
      return [];
  }
}

/** Reasoning is left out: providers hide it, and the client keeps what it likes of it. */
function saidOf(block: ContentBlock): readonly Json[] {
  switch (block["type"]) {
    case "text": {
      const text = (asText(block["text"]) ?? "").trim();
      return text === "" ? [] : [["text", text]];
    }
    case "tool_use":
      return [["call", block["name"] ?? null, block["input"] ?? null]];
    default:
      return [];
  }
}
