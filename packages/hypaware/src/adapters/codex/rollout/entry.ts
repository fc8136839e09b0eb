import type { JsonObject, RecordEntry, RecordedMessage } from "../../../contract/plugin.ts";
import { asName, asObject, asText, known } from "../../../protocols/loose.ts";
import { readItem } from "../../../protocols/openai-responses/item.ts";
import { itemLinks } from "../item-links.ts";
import { isCompactSummary } from "../request-class.ts";
import { providerOf, requestClassOf, type RolloutState } from "./state.ts";

/** A line as far as its type is not needed. */
export interface Line {
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly place: number;
  /** For what has no id of its own. */
  readonly name: string;
  readonly payload: JsonObject;
  readonly metadata: JsonObject | undefined;
}

/** What an entry says beyond what all of a thread's entries have. */
export interface Said {
  readonly role: string;
  readonly content: RecordedMessage["content"];
  readonly name: string;
  readonly isOnWire: boolean;
  readonly isNamedOnWire: boolean;
  /** Part of what sums up the history. */
  readonly isSummingUp: boolean;
  readonly turn?: string;
  readonly message: Partial<RecordedMessage>;
}

/** Beside its place in the chain. */
export function entryOf(state: RolloutState, line: Line, said: Said): RecordEntry {
  const thread = state.thread ?? "";
  const { last, baseThread, baseEnd } = state;
  const isFirst = last === undefined && said.message.logical_parent_uuid === undefined;
  const turn = said.turn ?? state.turn;
  return {
    conversation_id: thread,
    session_id: state.session ?? thread,
    request_class: requestClassOf({ ...state, isSummingUp: said.isSummingUp }),
    provider: providerOf(state),
    conversation_source: "codex",
    client_name: "codex",
    is_on_wire: said.isOnWire,
    is_named_on_wire: said.isNamedOnWire,
    place: line.place,
    ...(isFirst && baseThread !== undefined && baseEnd !== undefined
      ? { goes_on_from: { conversation_id: baseThread, before: baseEnd } }
      : {}),
    ...known({
      // An agent begins with its session's history, and is a part of that session.
      forked_from: state.isSubagent === true ? undefined : state.forkedFrom,
      client_version: state.version,
      model: state.model,
      cwd: state.cwd,
      git_branch: state.branch,
    }),
    message: {
      role: said.role,
      content: said.content,
      message_id: said.name,
      previous_message_id: last === undefined ? [] : [last],
      message_created_at: line.at,
      provider_uuid: said.name,
      is_sidechain: state.isSubagent === true,
      ...known({
        prompt_id: turn,
        entrypoint: state.originator,
        user_type: state.source,
        permission_mode: state.sandbox,
      }),
      ...said.message,
      attributes: { ...said.message.attributes, codex: codexAttributes(state, turn) },
    },
  };
}

/** One of `response_item`, or of the history that a compaction left. `undefined`: it has no content. */
export function itemSaid(line: Line, item: JsonObject): Said | undefined {
  const { internal_chat_message_metadata_passthrough: passed, ...own } = item;
  const content = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null));
  const { type, role, id, blocks, details, unknown } = readItem(content);
  if (blocks.length === 0) return undefined;
  const [block] = blocks;
  return {
    role,
    content: blocks,
    name: id ?? line.name,
    isOnWire: true,
    isNamedOnWire: id !== undefined,
    isSummingUp: line.metadata?.["compaction_output"] === true,
    ...known({ turn: asName(asObject(passed)?.["turn_id"]) }),
    message: {
      provider_type: type,
      links: id === undefined ? itemLinks(role, blocks) : [],
      raw_frame: frameOf(line, unknown ?? known({ type, id, status: own["status"], ...passedOn(passed) })),
      ...(isCompactSummary(role, asText(block?.["text"]) ?? "") ? { is_compact_summary: true } : {}),
      ...(Object.keys(details).length === 0 ? {} : { attributes: { provider_raw: details } }),
    },
  };
}

/** The line as it is, but for what stands in the message's parts. */
export function frameOf({ type, place, metadata }: Line, payload: JsonObject): JsonObject {
  return { type, ordinal: place, ...known({ metadata }), payload };
}

const passedOn = (passed: JsonObject[string]): JsonObject =>
  asObject(passed) === undefined ? {} : { internal_chat_message_metadata_passthrough: passed };

function codexAttributes(state: RolloutState, turn: string | undefined): JsonObject {
  return known({
    thread_id: state.thread,
    session_id: state.session,
    parent_thread_id: state.parent,
    turn_id: turn,
    thread_source: state.source,
    originator: state.originator,
    forked_from: state.forkedFrom,
    git_origin_url: state.origin,
    git_commit: state.commit,
  });
}
