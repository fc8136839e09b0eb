import type { ContentBlock, ProjectedMessage } from "../../contract/plugin.ts";
import { asName, asText } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/**
 * By what an item is known in the client's record where it has no id there, as in that of older versions: a call and its output by
 * the id by which the client pairs them, an answer by its words. Of equal answers the first is the first.
 */
export function itemLinks(role: string, content: ProjectedMessage["content"]): readonly string[] {
  const [block] = typeof content === "string" ? [] : content;
  const callId = asName(block?.["call_id"]);
  if (callId !== undefined)
    return [`${asName(block?.["type"])?.endsWith("_output") === true ? "result" : "call"}:${callId}`];
  const said = role === "assistant" && typeof content !== "string" ? textOf(content) : "";
  return said === "" ? [] : [`answer=${shortHash(said)}`];
}

const textOf = (blocks: readonly ContentBlock[]): string =>
  blocks
    .flatMap((block) => asText(block["text"]) ?? [])
    .join("\n")
    .trim();
