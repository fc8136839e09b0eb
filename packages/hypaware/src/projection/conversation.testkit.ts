import type { MessageRow } from "../contract/dataset.ts";
import type {
  ContentBlock,
  ExchangeFacts,
  JsonObject,
  ProjectedMessage,
  Projection,
} from "../contract/projection.ts";
import type { ThreadStore } from "../contract/thread.ts";
import { type ExchangeOptions, project } from "./exchange.testkit.ts";
import { memoryThreads } from "./thread-memory.ts";

type Content = string | readonly ContentBlock[];
export const user = (content: Content): ProjectedMessage => ({ role: "user", content });
export const system = (content: Content): ProjectedMessage => ({ role: "system", content });
export const assistant = (content: Content): ProjectedMessage => ({ role: "assistant", content });
export const thinking = (text: string): ProjectedMessage =>
  assistant([{ type: "thinking", thinking: text, signature: "s" }]);
export const call = (id: string, command = "ls"): ProjectedMessage =>
  assistant([{ type: "tool_use", id, name: "Bash", input: { command } }]);
export const result = (id: string, content: string): ProjectedMessage =>
  user([{ type: "tool_result", tool_use_id: id, content }]);
export const answered = (...messages: ProjectedMessage[]): ProjectedMessage[] =>
  messages.map((message) => ({ ...message, is_answer: true }));

/** One conversation; each turn gives a request's list and the answer to it. */
export function conversation(threads: ThreadStore = memoryThreads(), id = "session-1") {
  const rows: MessageRow[] = [];
  const edits: unknown[] = [];
  const turn = async (
    history: readonly ProjectedMessage[],
    answer: readonly ProjectedMessage[],
    options: ExchangeOptions & { readonly facts?: Partial<ExchangeFacts> } = {},
  ): Promise<MessageRow[]> => {
    const projection: Projection = {
      provider: "fake",
      conversation_id: id,
      messages: [...history.map((message) => ({ ...message, is_answer: false })), ...answered(...answer)],
      exchange: { request_class: "main", session_id: "session-1", ...options.facts },
    };
    const applied = await project(threads, projection, options);
    rows.push(...applied.rows);
    const gateway = applied.exchange.attributes?.["gateway"] as JsonObject | undefined;
    edits.push(gateway?.["history_edits"] ?? 0);
    return applied.rows;
  };
  /** Every message by name, with the text of its predecessor. */
  const chain = (): string[] => {
    const label = (name: string | undefined): string => {
      const row = rows.find((each) => each.message_id === name);
      return row === undefined ? "-" : textOf(row);
    };
    const heads = rows.filter((row) => row.part_index === 0);
    return heads.map((row) => `${label(row.previous_message_id?.[0])} > ${textOf(row)}`);
  };
  return { threads, rows, edits, turn, chain };
}

export const textOf = (row: MessageRow): string =>
  row.part_type === "tool_call" ? `call ${row.tool_call_id}` : (row.content_text ?? row.part_type);
