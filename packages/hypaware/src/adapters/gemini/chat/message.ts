import type { Json, JsonObject, Usage } from "../../../contract/plugin.ts";
import type { NamedCall } from "../../../protocols/gemini/call-ids.ts";
import { CallIds } from "../../../protocols/gemini/call-ids.ts";
import { Turn } from "../../../protocols/gemini/turn.ts";
import { asName, asNumber, asObject, asObjects, asText, known } from "../../../protocols/loose.ts";
import type { Said } from "../links.ts";

/** A message of the chat, as it is written there. */
export interface ChatMessage {
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly isModel: boolean;
  /** As the wire would have them. */
  readonly parts: readonly JsonObject[];
  readonly model?: string;
  readonly usage?: Usage;
}

/** `undefined` for what is no message of the conversation. */
export function chatMessage(line: JsonObject): ChatMessage | undefined {
  const id = asName(line["id"]);
  const at = new Date(asName(line["timestamp"]) ?? Number.NaN);
  const { type, content } = line;
  // What a tool brought that is no text goes as a message that the client calls a remark.
  const isUser = type === "user" || (type === "info" && Array.isArray(content));
  if (id === undefined || Number.isNaN(at.getTime()) || (!isUser && type !== "gemini")) return undefined;
  return {
    id,
    at: at.toISOString(),
    isModel: type === "gemini",
    parts: isUser ? partsOf(content) : answerParts(line),
    ...known({ model: asName(line["model"]), usage: usageOf(asObject(line["tokens"])) }),
  };
}

function partsOf(content: Json | undefined): readonly JsonObject[] {
  const text = asText(content);
  return text === undefined ? asObjects(content) : [{ text }];
}

/** Thoughts and calls stand beside what was said, or among its parts where the client took up an old session. */
function answerParts({ thoughts, content, toolCalls }: JsonObject): readonly JsonObject[] {
  return [
    ...asObjects(thoughts).map(({ subject, description }) => ({
      text: `**${asText(subject) ?? ""}** ${asText(description) ?? ""}`,
      thought: true,
    })),
    ...partsOf(content),
    ...asObjects(toolCalls).map(({ id, name, args }) => ({ functionCall: known({ id, name, args }) })),
  ];
}

function usageOf(tokens: JsonObject | undefined): Usage | undefined {
  if (tokens === undefined) return undefined;
  const count = (name: string): number => asNumber(tokens[name]) ?? 0;
  const [cached, thoughts] = [count("cached"), count("thoughts")];
  return {
    input_tokens: Math.max(0, count("input") - cached) + count("tool"),
    output_tokens: count("output") + thoughts,
    ...(cached > 0 ? { cache_read_tokens: cached } : {}),
    ...(thoughts > 0 ? { reasoning_tokens: thoughts } : {}),
  };
}

/** What neighbouring messages of one side say: on the wire they are one content. `before`: calls that were made before. */
export function said(
  messages: readonly ChatMessage[],
  before: readonly NamedCall[],
): Said & { readonly calls: readonly NamedCall[] } {
  const turn = new Turn(new CallIds(before), messages[0]?.isModel === true);
  for (const { parts } of messages) turn.take({ parts });
  const { blocks, wireIds } = turn;
  const calls = blocks.flatMap((block) => {
    const id = asText(block["id"]);
    return id === undefined ? [] : [{ id, name: asText(block["name"]) ?? "", wireId: wireIds[id] }];
  });
  return { blocks, wireIds, calls };
}
