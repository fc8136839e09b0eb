import type { ExpectedMessage, ExpectedPart } from "@hypaware/testkit";
import type { FlowContext, Row } from "./flow.ts";

/** Messages that exchanges carried, as the table has them, in display order, in the oracle's shape. */
export async function storedConversations(
  ctx: FlowContext,
): Promise<ReadonlyMap<string, readonly ExpectedMessage[]>> {
  const rows = await ctx.sql(
    `SELECT conversation_id, message_id, role, part_type, content_text, tool_name, tool_call_id, tool_args
       FROM ai_gateway_messages WHERE json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL
      ORDER BY conversation_id, message_index, message_created_at, message_id, part_index`,
  );
  const byConversation = Map.groupBy(rows, (row) => String(row["conversation_id"]));
  return new Map(
    byConversation.entries().map(([id, own]) => {
      const byMessage = Map.groupBy(own, (row) => String(row["message_id"]));
      return [id, byMessage.values().map(messageOf).toArray()];
    }),
  );
}

function messageOf(rows: readonly Row[]): ExpectedMessage {
  return { role: String(rows[0]?.["role"]), parts: rows.map(partOf) };
}

function partOf(row: Row): ExpectedPart {
  return {
    type: String(row["part_type"]),
    text: row["content_text"] as string | null,
    toolName: row["tool_name"] as string | null,
    toolCallId: row["tool_call_id"] as string | null,
    toolArgs: jsonColumn(row["tool_args"]),
  };
}

/** A JSON column comes as text or as the value, depending on how the engine prints it. */
export function jsonColumn(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : value;
}
