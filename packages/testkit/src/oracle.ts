import { headerOf, requestJson } from "./recording.ts";
import type { RecordedExchange } from "./recording.ts";
import { blocksOf } from "./wire-request.ts";
import type { WireBlock, WireMessage, WireRequest } from "./wire-request.ts";

// What the rows must say, worked out from the provider's own account of what it received and sent. Nothing of the
// product is used: this is the other witness.

export interface ExpectedPart {
  readonly type: string;
  readonly text: string | null;
  readonly toolName: string | null;
  readonly toolCallId: string | null;
  readonly toolArgs: unknown;
}

export interface ExpectedMessage {
  readonly role: string;
  readonly parts: readonly ExpectedPart[];
}

/** Conversation id → its messages in order: those of its last successful request, then that request's answer. */
export function expectedConversations(
  exchanges: readonly RecordedExchange[],
): ReadonlyMap<string, readonly ExpectedMessage[]> {
  const conversations = new Map<string, readonly ExpectedMessage[]>();
  for (const exchange of exchanges) {
    const { answer, response } = exchange;
    if (answer?.kind !== "message" || response.ending !== "complete" || answer.breaks !== "never") continue;
    const request = requestJson(exchange) as WireRequest;
    const id = conversationOf(exchange, request);
    const messages = [...(request.messages ?? []), { role: "assistant", content: answer.content }];
    const toolNames = new Map(
      messages
        .flatMap((message) => blocksOf(message))
        .filter((block) => block.type === "tool_use")
        .map((block) => [block["id"], String(block["name"])]),
    );
    conversations.set(
      id,
      messages.flatMap((message) => atClientGrain(message, toolNames)),
    );
  }
  return conversations;
}

function conversationOf(exchange: RecordedExchange, request: WireRequest): string {
  const session = headerOf(exchange.rawHeaders, "x-claude-code-session-id");
  if (session === undefined) throw new Error(`request ${exchange.seq} names no session`);
  const agent = headerOf(exchange.rawHeaders, "x-claude-code-agent-id");
  if (agent !== undefined) return `${session}/${agent}`;
  return request.output_config?.format === undefined ? session : `${session}/title`;
}

/** One wire message as the client's own record cuts it: block by block. */
function atClientGrain(message: WireMessage, toolNames: ReadonlyMap<unknown, string>): ExpectedMessage[] {
  return blocksOf(message).map((block) => ({ role: message.role, parts: [partOf(block, toolNames)] }));
}

function partOf(block: WireBlock, toolNames: ReadonlyMap<unknown, string>): ExpectedPart {
  const part = { type: block.type, text: null, toolName: null, toolCallId: null, toolArgs: null };
  switch (block.type) {
    case "text":
      return { ...part, text: String(block["text"]) };
    case "thinking":
      return { ...part, type: "reasoning", text: String(block["thinking"]) };
    case "tool_use":
      return {
        ...part,
        type: "tool_call",
        toolName: String(block["name"]),
        toolCallId: String(block["id"]),
        toolArgs: block["input"],
      };
    case "tool_result":
      return {
        ...part,
        text: resultText(block["content"]),
        toolName: toolNames.get(block["tool_use_id"]) ?? null,
        toolCallId: String(block["tool_use_id"]),
      };
    default:
      throw new Error(`the fake never sends a ${block.type} block and the client was not expected to`);
  }
}

function resultText(content: unknown): string | null {
  if (!Array.isArray(content)) return typeof content === "string" ? content : null;
  const texts = (content as readonly WireBlock[]).filter((block) => block.type === "text");
  return texts.map((block) => String(block["text"])).join("\n");
}
