// When two sightings of a message count as the same one. An answer and its echo in the next request differ in form: the
// cache mark moves on, a one-block list becomes a string, reasoning is dropped, optional fields appear as null. The
// normal form removes what clients and providers add or lose on the way, and keeps what was said.
// Tool call ids (`id` of a call, `tool_use_id`, `call_id`) stay: the client itself pairs calls and results by them, resends
// them unchanged, and they tell two equal calls apart. Ids of messages and reasoning go: providers add them, clients lose them.

import { hash } from "node:crypto";
import type { ContentBlock, Json, JsonObject } from "../contract/projection.ts";
import { canonicalJson } from "../wire/canonical.ts";

export interface MatchKey {
  /** 32 hex digits. For a message that is only reasoning: of its role alone, since clients drop or blank reasoning. */
  readonly key: string;
  /** Of a reasoning message only: tells it from another sample of the same turn. Shares its first half with `key`. */
  readonly exact: string | undefined;
}

const REASONING_TYPES = new Set<Json | undefined>(["thinking", "redacted_thinking", "reasoning"]);
/** Blocks whose `id` names them for the provider only. A block with a `call_id` has its identity there. */
const ID_IS_PROVIDERS = new Set<Json | undefined>([
  "text",
  "input_text",
  "output_text",
  "message",
  undefined,
]);
/** One piece of text, whoever says it: an answer in the one form comes back in another. */
const TEXT_TYPES = new Set<Json>(["text", "input_text", "output_text"]);
/** Transport, not content. */
const VOLATILE = new Set(["cache_control", "caller", "status"]);

export function matchKey(role: string, blocks: readonly ContentBlock[]): MatchKey {
  const said = blocks.filter((block) => !REASONING_TYPES.has(block["type"]));
  if (said.length > 0) {
    const content = said.map((block) => normalBlock(block, role));
    // An answer may begin with an empty text block, which no provider accepts back: clients drop it.
    const full = answers(role) ? content.filter((block) => !isEmptyText(block)) : content;
    return { key: digest([role, full.length > 0 ? full : content]), exact: undefined };
  }
  const key = reasoningKey(role);
  const exact = digest(blocks.map((block) => normalBlock(block, role)));
  return { key, exact: key.slice(0, 16) + exact.slice(0, 16) };
}

/** Whether a node with this key is only reasoning. */
export function isReasoningKey(role: string, key: string): boolean {
  return key.startsWith(reasoningKey(role).slice(0, 16));
}

const reasoningKeys = new Map<string, string>();

export function reasoningKey(role: string): string {
  const known = reasoningKeys.get(role);
  if (known !== undefined) return known;
  const key = digest([role, "reasoning"]);
  // Roles are a handful of words; a hostile body may invent thousands.
  if (reasoningKeys.size < 100) reasoningKeys.set(role, key);
  return key;
}

function normalBlock(block: ContentBlock, role: string): JsonObject {
  const members: [string, Json][] = [];
  for (const name of Object.keys(block)) {
    const value = block[name];
    if (VOLATILE.has(name) || value === undefined || isEmpty(value)) continue;
    if (name === "id" && (ID_IS_PROVIDERS.has(block["type"]) || typeof block["call_id"] === "string"))
      continue;
    members.push([name, normalMember(name, value, role)]);
  }
  return Object.fromEntries(members);
}

function normalMember(name: string, value: Json, role: string): Json {
  if (name === "type" && TEXT_TYPES.has(value)) return "text";
  // Clients trim what a model said before they send it back. What a person said they send as it is, but for line breaks
  // at its end, which they add where more follows in the same message of the wire.
  if (name === "text" && typeof value === "string")
    return answers(role) ? value.trim() : value.replace(/\n+$/, "");
  return name === "content" ? normalContent(value, role) : value;
}

/** Content inside a block, a tool result's above all: in the same normal form. */
function normalContent(value: Json, role: string): Json {
  if (typeof value === "string") return [{ type: "text", text: value }];
  if (!Array.isArray(value)) return value;
  return value.map((each: Json) => (isObject(each) ? normalBlock(each, role) : each));
}

/** Roles that ask; every other role answers, whatever the protocol calls it. */
const ASKING_ROLES = new Set(["user", "system", "developer", "tool", "function"]);

export function answers(role: string): boolean {
  return !ASKING_ROLES.has(role);
}

function isEmptyText(block: JsonObject): boolean {
  return (
    TEXT_TYPES.has(block["type"] ?? "") && isEmpty(block["text"] ?? "") && Object.keys(block).length <= 2
  );
}

/** `false` too: the one flag in content is is_error, which clients spell out or leave away. */
function isEmpty(value: Json): boolean {
  if (value === null || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function digest(value: Json): string {
  return hash("sha256", canonicalJson(value)).slice(0, 32);
}
