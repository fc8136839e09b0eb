// The door of projection: what a projector returned is checked and cleaned here once, and trusted afterwards.
// Cleaning makes text storable (lone surrogates become U+FFFD) and depth bounded (LIMITS.jsonDepth), so that nothing
// behind this door can overflow a stack or write invalid UTF-8.

import { LIMITS } from "../contract/limits.ts";
import type {
  ContentBlock,
  ExchangeFacts,
  Json,
  JsonObject,
  ProjectedMessage,
  Projection,
  Usage,
} from "../contract/projection.ts";
import { REQUEST_CLASSES } from "../contract/exchange.ts";
import type { RecordEntry } from "../contract/record.ts";
import { isoTime } from "./expand.ts";

const TOO_DEEP = "[nested too deeply]";

type Loose = { readonly [key: string]: unknown };

/** A message after the door: content is never empty, `blocks` is its normal form (a string is one text block). */
export interface IntakeMessage extends ProjectedMessage {
  readonly blocks: readonly ContentBlock[];
}

export interface Intake extends Projection {
  readonly messages: readonly IntakeMessage[];
  /** Length of the list as the projector gave it: messages without role or content are dropped from `messages`. */
  readonly suppliedMessages: number;
}

export interface IntakeEntry {
  readonly entry: RecordEntry;
  readonly blocks: readonly ContentBlock[];
}

/**
 * The projector's result, cleaned; `undefined` when its shape is invalid (not a plain object, no provider, no
 * conversation_id, messages not an array, a value that contains itself, or more than LIMITS.projectionValues values).
 */
export function parseProjection(result: unknown): Intake | undefined {
  if (!isPlainObject(result)) return undefined;
  const { provider, conversation_id: conversationId, messages } = result;
  if (typeof provider !== "string" || provider === "") return undefined;
  if (typeof conversationId !== "string" || conversationId === "") return undefined;
  if (!Array.isArray(messages)) return undefined;
  const cleaner = new Cleaner();
  try {
    const facts = parseFacts(result["exchange"], cleaner);
    return {
      provider: provider.toWellFormed(),
      conversation_id: conversationId.toWellFormed(),
      suppliedMessages: messages.length,
      messages: messages.flatMap(
        (message) => cleaner.once(message, () => parseMessage(message, cleaner)) ?? [],
      ),
      ...cleaner.strings(result, PROJECTION_STRINGS),
      ...cleaner.booleans(result, FLAGS),
      ...cleaner.objects(result, ["attributes"]),
      ...(result["tools"] === undefined
        ? {}
        : { tools: cleaner.once(result["tools"], () => cleaner.json(result["tools"])) }),
      ...(facts === undefined ? {} : { exchange: facts }),
    };
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

/** An entry of a client's own record, cleaned the same way; `undefined` when its shape is invalid. */
export function parseEntry(given: unknown): IntakeEntry | undefined {
  if (!isPlainObject(given) || !isPlainObject(given["message"])) return undefined;
  const cleaner = new Cleaner();
  try {
    const message = parseMessage(given["message"], cleaner);
    const { conversation_id, session_id, provider, ...more } = cleaner.strings(given, ENTRY_STRINGS);
    const at = isoTime(message?.message_created_at);
    if (!message?.message_id || message.previous_message_id === undefined || at === undefined)
      return undefined;
    if (!conversation_id || !session_id || !provider) return undefined;
    const { blocks, message_id, previous_message_id, ...said } = message;
    const entry = {
      conversation_id,
      session_id,
      provider,
      ...more,
      request_class: REQUEST_CLASSES.find((each) => each === given["request_class"]) ?? "other",
      is_on_wire: given["is_on_wire"] === true,
      ...cleaner.booleans(given, ["is_named_on_wire", "may_grow"]),
      ...parsePlace(given),
      message: { ...said, message_id, previous_message_id, message_created_at: at },
    };
    return { entry, blocks };
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

function parsePlace({ place, goes_on_from: base }: Loose): Pick<RecordEntry, "place" | "goes_on_from"> {
  const { conversation_id: conversation, before } = isPlainObject(base) ? base : {};
  return {
    ...(isPlace(place) ? { place } : {}),
    ...(typeof conversation === "string" && isPlace(before)
      ? { goes_on_from: { conversation_id: conversation.toWellFormed(), before } }
      : {}),
  };
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

const ENTRY_STRINGS = [
  "conversation_id",
  "session_id",
  "provider",
  "forked_from",
  "said_in",
  "conversation_source",
  "client_name",
  "client_version",
  "model",
  "cwd",
  "git_branch",
] as const;

const PROJECTION_STRINGS = [
  "conversation_started_at",
  "conversation_source",
  "user_id",
  "cwd",
  "git_branch",
  "client_name",
  "client_version",
  "entrypoint",
  "user_type",
  "permission_mode",
  "model",
  "system_text",
  "request_id",
  "prompt_id",
  "previous_response_id",
] as const;

const MESSAGE_STRINGS = [
  "message_id",
  "message_created_at",
  "provider_uuid",
  "parent_uuid",
  "logical_parent_uuid",
  "source_tool_assistant_uuid",
  "request_id",
  "prompt_id",
  "provider_type",
  "provider_subtype",
  "entrypoint",
  "user_type",
  "permission_mode",
  "attachment_type",
  "hook_event",
  "stop_reason",
] as const;

const FACT_STRINGS = [
  "session_id",
  "agent_id",
  "parent_agent_id",
  "turn_id",
  "request_id",
  "response_id",
  "model",
  "requested_model",
  "request_digest",
  "stop_reason",
  "error",
] as const;

const FLAGS = [
  "is_sidechain",
  "conversation_inferred",
  "in_order",
  "history_is_left_out",
  "response_is_kept",
] as const;

/** Tokens, by their columns in `ai_gateway_exchanges`. */
export const USAGE_NUMBERS = [
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "output_tokens",
  "reasoning_tokens",
] as const satisfies readonly (keyof Usage)[];

/** `undefined` for a message that has no row: no role, or no content. */
function parseMessage(message: unknown, cleaner: Cleaner): IntakeMessage | undefined {
  if (!isPlainObject(message)) return undefined;
  const { role, content, links, joins, previous_message_id: previous } = message;
  if (typeof role !== "string" || role === "") return undefined;
  const blocks = parseContent(content, cleaner);
  if (blocks.length === 0) return undefined;
  return {
    role: role.toWellFormed(),
    content: blocks,
    blocks,
    ...cleaner.strings(message, MESSAGE_STRINGS),
    ...cleaner.booleans(message, ["is_sidechain", "is_compact_summary", "is_answer"]),
    ...cleaner.objects(message, ["compact_metadata", "raw_frame", "attributes"]),
    ...(Array.isArray(previous) ? { previous_message_id: stringsOf(previous) } : {}),
    ...(Array.isArray(links) ? { links: stringsOf(links).slice(0, LIMITS.messageLinks) } : {}),
    ...(Array.isArray(joins) ? { joins: stringsOf(joins).slice(0, LIMITS.messageLinks) } : {}),
  };
}

function stringsOf(list: readonly unknown[]): readonly string[] {
  return list.filter((each) => typeof each === "string").map((each) => each.toWellFormed());
}

function parseContent(content: unknown, cleaner: Cleaner): readonly ContentBlock[] {
  if (typeof content === "string")
    return content === "" ? [] : [{ type: "text", text: content.toWellFormed() }];
  if (!Array.isArray(content)) return [];
  return content.filter(isPlainObject).map((block) => cleaner.json(block) as ContentBlock);
}

function parseFacts(facts: unknown, cleaner: Cleaner): ExchangeFacts | undefined {
  if (!isPlainObject(facts)) return undefined;
  const usage = parseUsage(facts["usage"]);
  return {
    request_class: REQUEST_CLASSES.find((each) => each === facts["request_class"]) ?? "other",
    ...cleaner.strings(facts, FACT_STRINGS),
    ...cleaner.objects(facts, ["attributes"]),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** `undefined` when it holds no count at all. */
function parseUsage(usage: unknown): Usage | undefined {
  if (!isPlainObject(usage)) return undefined;
  const counts = USAGE_NUMBERS.flatMap((name) => {
    const count = usage[name];
    return typeof count === "number" && Number.isFinite(count) && count >= 0
      ? [[name, Math.trunc(count)]]
      : [];
  });
  return counts.length === 0 ? undefined : (Object.fromEntries(counts) as Usage);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isPlainObject(value: unknown): value is Loose {
  return isObject(value) && !Array.isArray(value);
}

/** More values than are bearable, or a value that contains itself. */
class NotJson extends Error {}

interface Cleaned<T> {
  readonly clean: T;
  /** How many values it holds. */
  readonly values: number;
}

/** Of what is frozen: who freezes something promises that nothing in it will change. */
const cleaned = new WeakMap<object, Cleaned<unknown>>();

/** Copies only what it has to change. */
class Cleaner {
  #left: number = LIMITS.projectionValues;
  readonly #open = new Set<object>();

  json(value: unknown, depth = 0): Json {
    if (--this.#left < 0) throw new NotJson();
    if (typeof value === "string") return value.toWellFormed();
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    if (typeof value === "boolean" || value === null) return value;
    if (typeof value !== "object") return null;
    if (depth >= LIMITS.jsonDepth) return TOO_DEEP;
    if (this.#open.has(value)) throw new NotJson();
    this.#open.add(value);
    const clean = Array.isArray(value) ? this.#list(value, depth) : this.#object(value, depth);
    this.#open.delete(value);
    return clean;
  }

  /** What `clean` makes of `value`; of a frozen one what it made of it before, frozen as well. */
  once<T>(value: unknown, clean: () => T): T {
    if (!isObject(value) || !Object.isFrozen(value)) return clean();
    const known = cleaned.get(value) as Cleaned<T> | undefined;
    if (known !== undefined) {
      this.#left -= known.values;
      if (this.#left < 0) throw new NotJson();
      return known.clean;
    }
    const before = this.#left;
    const result = Object.freeze(clean());
    cleaned.set(value, { clean: result, values: before - this.#left });
    return result;
  }

  #list(list: readonly unknown[], depth: number): Json {
    const items = list.map((item) => this.json(item, depth + 1));
    return items.every((item, index) => item === list[index]) ? (list as readonly Json[]) : items;
  }

  #object(value: object, depth: number): Json {
    const source = Object.entries(value);
    const members = source.flatMap(([name, member]) =>
      member === undefined ? [] : [[name.toWellFormed(), this.json(member, depth + 1)] as const],
    );
    const same =
      members.length === source.length &&
      members.every(([name, member], index) => name === source[index]?.[0] && member === source[index][1]);
    return same ? (value as JsonObject) : Object.fromEntries(members);
  }

  strings<K extends string>(source: Loose, names: readonly K[]): { [name in K]?: string } {
    return pick(names, (name) => {
      const value = source[name];
      return typeof value === "string" ? value.toWellFormed() : undefined;
    });
  }

  booleans<K extends string>(source: Loose, names: readonly K[]): { [name in K]?: boolean } {
    return pick(names, (name) => {
      const value = source[name];
      return typeof value === "boolean" ? value : undefined;
    });
  }

  objects<K extends string>(source: Loose, names: readonly K[]): { [name in K]?: JsonObject } {
    return pick(names, (name) => {
      const value = source[name];
      return isPlainObject(value) ? (this.json(value) as JsonObject) : undefined;
    });
  }
}

function pick<K extends string, V>(
  names: readonly K[],
  read: (name: K) => V | undefined,
): { [name in K]?: V } {
  const result: { [name in K]?: V } = {};
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) result[name] = value;
  }
  return result;
}
