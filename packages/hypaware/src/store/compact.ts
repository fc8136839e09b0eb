import { hash } from "node:crypto";

// The dense forms of names and keys in the catalog. A form is chosen by the text alone, so equal texts have equal forms and
// can be compared and copied between catalogs as they are. Text that has no dense form stands as text.
// A uuid has 16 bytes, 16 hex digits have 8, a match key's or an exchange's 32 hex digits have 16.

/** As SQLite keeps it. */
export type Compact = string | Uint8Array;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX16 = /^[0-9a-f]{16}$/;
const HEX32 = /^[0-9a-f]{32}$/;
const ID_BYTES = 8;

/** Of a message or a conversation. */
export function compactName(name: string): Compact {
  if (UUID.test(name)) return Buffer.from(name.replaceAll("-", ""), "hex");
  return HEX16.test(name) ? Buffer.from(name, "hex") : name;
}

export function nameOf(compact: Compact): string {
  if (typeof compact === "string") return compact;
  const hex = hexOf(compact);
  if (hex.length === 16) return hex;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Of a match key or an exchange's id. */
export function compactHex(text: string): Compact {
  return HEX32.test(text) ? Buffer.from(text, "hex") : text;
}

export function hexOf(compact: Compact): string {
  return typeof compact === "string" ? compact : Buffer.from(compact).toString("hex");
}

/** The least and the greatest dense form of 32 hex digits that begin so; undefined when none does. */
export function compactHexRange(prefix: string): readonly [Uint8Array, Uint8Array] | undefined {
  if (!/^[0-9a-f]{0,32}$/.test(prefix)) return undefined;
  return [Buffer.from(prefix.padEnd(32, "0"), "hex"), Buffer.from(prefix.padEnd(32, "f"), "hex")];
}

const ROLES = ["user", "assistant"];

/** The two that nearly all messages have are numbers. */
export function compactRole(role: string): string | number {
  const number = ROLES.indexOf(role);
  return number < 0 ? role : number;
}

export function roleOf(compact: string | number): string {
  return typeof compact === "number" ? ROLES[compact]! : compact;
}

/** Of a tool call's or a response's id, which is only ever looked up. */
export function compactId(id: string): Uint8Array {
  return hash("sha256", id, "buffer").subarray(0, ID_BYTES);
}

/** What the index of match keys holds: two keys of one place rarely share it. */
export const KEY_TAIL = tailOfKey("match_key");
/** Where a node hangs: below its predecessor, or in its conversation as a first message. Tells the children of one node from all others. */
export const PARENT = parentOf("predecessor", "conversation");

/** The same of a place that is given as expressions. */
export function parentOf(predecessor: string, conversation: string): string {
  return `CASE ${predecessor} WHEN 0 THEN -${conversation} ELSE ${predecessor} END`;
}

/** What the index of names holds. Of text it is a part of what is random in names with a prefix, and in those with a number behind. */
export const NAME_TAIL = tailOfName("message_id");

/** Condition: the node has this match key, given as an expression. */
export function nodeWithKey(key: string): string {
  return `${KEY_TAIL} = ${tailOfKey(key)} AND match_key = ${key}`;
}

/** Condition: the node has this name, given as an expression. */
export function nodeNamed(name: string): string {
  return `${NAME_TAIL} = ${tailOfName(name)} AND message_id = ${name}`;
}

function tailOfKey(key: string): string {
  return `substr(${key}, -3)`;
}

function tailOfName(name: string): string {
  return `CASE typeof(${name}) WHEN 'blob' THEN substr(${name}, 5, 4) ELSE substr(${name}, -12, 4) || substr(${name}, -4) END`;
}
