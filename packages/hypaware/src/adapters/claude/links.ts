// Keys by which a message of the wire and its line in the transcript are known to be the same, made of what both lanes say.
// Newer versions tell which block of an answer a line is; of older ones the content has to.
import type { ContentBlock } from "../../contract/plugin.ts";
import { asName, asText } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/** The client wraps it into a reminder when it sends it. */
const NOTIFICATION = /<task-notification>.*<\/task-notification>/s;

/** The one way in which it wraps it. */
const FRAME =
  /^<system-reminder>\n\[SYSTEM NOTIFICATION[^<]*\n\n(<task-notification>.*<\/task-notification>)\n<\/system-reminder>\s*$/s;

export function isFramedNotification(told: string, sent: string): boolean {
  return FRAME.exec(sent)?.[1] === told.trim();
}

/** Of a block of an answer. `index`: its place in the answer, where that is known. */
export function answerLinks(
  answerId: string | undefined,
  index: number | undefined,
  block: ContentBlock,
): readonly string[] {
  if (answerId === undefined) return blockLinks(block);
  const said = asText(block["text"]) ?? asText(block["thinking"]) ?? asText(block["data"]);
  return [
    ...(index === undefined ? [] : [`answer:${answerId}#${index}`]),
    ...blockLinks(block),
    ...(said === undefined ? [] : [`answer:${answerId}=${shortHash([block["type"] ?? null, said.trim()])}`]),
  ];
}

/** Of any block: an id that the client itself pairs by. */
export function blockLinks(block: ContentBlock): readonly string[] {
  switch (block["type"]) {
    case "tool_use":
    case "server_tool_use":
      return named("call", asName(block["id"]));
    case "tool_result":
      return named("result", asName(block["tool_use_id"]));
    case "text": {
      const notification = NOTIFICATION.exec(asText(block["text"]) ?? "")?.[0];
      return named("notification", notification && shortHash(notification));
    }
    default:
      return [];
  }
}

function named(kind: string, id: string | undefined): readonly string[] {
  return id === undefined ? [] : [`${kind}:${id}`];
}
