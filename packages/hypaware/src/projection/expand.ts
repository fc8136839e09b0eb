import type { MessageRow } from "../contract/dataset.ts";
import { SCHEMA_VERSION } from "../contract/dataset.ts";
import type { ProjectedRecord } from "../contract/exchange.ts";
import type { ExchangeFacts, JsonObject } from "../contract/projection.ts";
import type { ThreadConversation, ThreadStore } from "../contract/thread.ts";
import type { Placement } from "./align.ts";
import { clientAttributes, gatewayAttributes, mergeAttributes, usageAttributes } from "./attributes.ts";
import type { Intake } from "./intake.ts";
import { answers } from "./match-key.ts";
import { blockType, toPart } from "./part.ts";

export interface Expansion {
  readonly gatewayId: string;
  readonly record: ProjectedRecord;
  readonly projection: Intake;
  readonly conversation: ThreadConversation;
  readonly threads: ThreadStore;
  readonly historyEdits: number;
}

/**
 * Rows of the messages that are new, one per content block, all 49 columns in the order of MESSAGE_COLUMNS.
 * `lastAnswer`: the response's last message when it is new; usage and stop reason stand on its last part, and nowhere else.
 */
export function expand(
  expansion: Expansion,
  fresh: readonly Placement[],
  lastAnswer: Placement | undefined,
): MessageRow[] {
  const { record, projection, historyEdits } = expansion;
  const facts = projection.exchange ?? null;
  const { usage: reported, ...own } = projection.attributes ?? {};
  const shared: Shared = {
    facts,
    client: clientAttributes(projection),
    own,
    usage:
      facts?.usage === undefined
        ? reported === undefined
          ? {}
          : { usage: reported }
        : usageAttributes(facts.usage),
    gateway: gatewayAttributes(record, facts, historyEdits),
  };
  return fresh.flatMap((placement) => messageRows(expansion, shared, placement, placement === lastAnswer));
}

interface Shared {
  readonly facts: ExchangeFacts | null;
  readonly client: JsonObject;
  /** The projection's attributes without usage. */
  readonly own: JsonObject;
  /** Usage of the exchange as `{usage}`; empty when the wire carried none or each message has its own. */
  readonly usage: JsonObject;
  readonly gateway: JsonObject;
}

function messageRows(
  { gatewayId, record, projection, conversation, threads }: Expansion,
  shared: Shared,
  { entry, node, predecessor, isAnswer }: Placement,
  isLastAnswer: boolean,
): MessageRow[] {
  const { message } = entry;
  const isFallback = entry.nativeId === undefined;
  const createdAt =
    isoTime(message.message_created_at) ?? (isAnswer ? (record.ts_end ?? record.ts_start) : record.ts_start);
  const { usage: messageUsage, ...messageAttributes } = message.attributes ?? {};
  const attributes = mergeAttributes(
    shared.client,
    messageAttributes,
    shared.own,
    shared.gateway,
    isFallback ? { gateway: { identity_source: "gateway_fallback" } } : undefined,
  );
  // Usage on more than one row would be counted more than once.
  const ownUsage =
    shared.facts?.usage === undefined && messageUsage !== undefined ? { usage: messageUsage } : {};
  const lastAttributes = mergeAttributes(attributes, isLastAnswer ? shared.usage : {}, ownUsage);
  const stopReason = message.stop_reason ?? (isLastAnswer ? shared.facts?.stop_reason : undefined);

  return message.blocks.map((block, index) => {
    const part = toPart(block, (callId) => threads.toolName(conversation.id, callId));
    if (part.part_type === "tool_call" && part.tool_call_id !== null && part.tool_name !== null) {
      threads.rememberTool(conversation.id, part.tool_call_id, part.tool_name);
    }
    const isLast = index === message.blocks.length - 1;
    const status = {
      ...part.status,
      ...(isLast && answers(message.role) && stopReason !== undefined
        ? { finish_reason: finishReason(stopReason) }
        : {}),
    };
    return {
      gateway_id: gatewayId,
      schema_version: SCHEMA_VERSION,
      conversation_id: conversation.id,
      user_id: projection.user_id ?? null,
      provider: projection.provider,
      model: projection.model ?? shared.facts?.model ?? null,
      system_text: projection.system_text ?? null,
      tools: projection.tools ?? null,
      conversation_started_at: conversation.startedAt,
      conversation_source: projection.conversation_source ?? null,
      cwd: projection.cwd ?? null,
      git_branch: projection.git_branch ?? null,
      client_version: projection.client_version ?? null,
      entrypoint: message.entrypoint ?? projection.entrypoint ?? null,
      user_type: message.user_type ?? projection.user_type ?? null,
      permission_mode: message.permission_mode ?? projection.permission_mode ?? null,
      is_sidechain: message.is_sidechain ?? projection.is_sidechain ?? null,
      message_id: node.messageId,
      previous_message_id:
        message.previous_message_id ??
        (isFallback || projection.in_order === true
          ? predecessor === undefined
            ? []
            : [predecessor.messageId]
          : null),
      provider_uuid: message.provider_uuid ?? null,
      parent_uuid: message.parent_uuid ?? null,
      logical_parent_uuid: message.logical_parent_uuid ?? null,
      source_tool_assistant_uuid: message.source_tool_assistant_uuid ?? null,
      request_id: message.request_id ?? projection.request_id ?? null,
      prompt_id: message.prompt_id ?? projection.prompt_id ?? null,
      message_index: node.depth,
      message_created_at: createdAt,
      role: message.role,
      part_id: `${node.messageId}#${index}`,
      part_index: index,
      part_type: part.part_type,
      provider_type: message.provider_type ?? null,
      provider_subtype: message.provider_subtype ?? blockType(block),
      content_text: part.content_text,
      tool_name: part.tool_name,
      tool_call_id: part.tool_call_id,
      tool_args: part.tool_args,
      caller_type: part.caller_type,
      tool_result_for: part.tool_result_for,
      thinking_signature: part.thinking_signature,
      attachment_type: message.attachment_type ?? null,
      hook_event: message.hook_event ?? null,
      is_error: part.is_error,
      is_compact_summary: message.is_compact_summary ?? null,
      compact_metadata: message.compact_metadata ?? null,
      status: Object.keys(status).length === 0 ? null : status,
      attributes: isLast ? lastAttributes : attributes,
      raw_frame: message.raw_frame ?? null,
      date: createdAt.slice(0, 10),
    };
  });
}

const FINISH_REASONS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_use",
  pause_turn: "pause",
  refusal: "refusal",
  error: "error",
};

/** Of an answer's `status`, by its `stop_reason`. */
export function finishReason(stopReason: string): string {
  return Object.hasOwn(FINISH_REASONS, stopReason) ? FINISH_REASONS[stopReason]! : stopReason;
}

/** ISO 8601 in UTC; undefined for what is no date, or lies outside the years that four digits can write. */
export function isoTime(text: string | undefined): string | undefined {
  const date = new Date(text ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  return iso.length === 24 ? iso : undefined;
}
