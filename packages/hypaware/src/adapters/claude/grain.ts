// What is one message. Claude Code writes its transcript line by line, and a message here is what a line is there: one content
// block of an answer, one tool result, or one text with the images and documents behind it. The client joins what it has to say into
// one message of the wire: a prompt, the reminders around it, the output of a local command.
import type { ContentBlock, Json } from "../../contract/plugin.ts";
import type { WireMessage } from "../../protocols/anthropic/request.ts";
import type { AnswerBlock } from "../../protocols/anthropic/answer.ts";

/** What a person attaches to a text stands in the text's line. */
const BESIDE_TEXT = new Set<Json | undefined>(["image", "document"]);

/** The pieces of a request's message, each a message of its own; none without content. */
export function splitMessage({ role, blocks }: WireMessage): readonly (readonly ContentBlock[])[] {
  if (role === "assistant") return blocks.map((block) => [block]);
  const pieces: ContentBlock[][] = [];
  for (const block of blocks) {
    const text = BESIDE_TEXT.has(block["type"]) ? pieces.at(-1) : undefined;
    if (text?.[0]?.["type"] === "text") text.push(block);
    else pieces.push([block]);
  }
  return pieces;
}

/** The same for an answer. */
export function splitAnswer(blocks: readonly AnswerBlock[]): readonly AnswerBlock[] {
  return blocks.filter(({ block }) => !isBlank(block));
}

/** A block that was opened and never filled: the API refuses it in a history, so the client neither keeps nor resends it. */
function isBlank(block: ContentBlock): boolean {
  if (block["type"] === "text") return (block["text"] ?? "") === "";
  return (
    block["type"] === "thinking" && (block["thinking"] ?? "") === "" && (block["signature"] ?? "") === ""
  );
}
