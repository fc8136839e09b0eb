import type { Column } from "../contract/dataset.ts";

export type Stored = null | number | string;

const LONE_SURROGATE_OR_BACKSLASH = /\\\\|\\ud[89a-f][0-9a-f]{2}/g;
const MAX_INTEGER = { INT32: 2 ** 31 - 1, INT64: Number.MAX_SAFE_INTEGER };

/**
 * A value as the table keeps it. Numbers are cut to their column's range, text is made well-formed (UTF-8 has no lone
 * surrogates, and engines refuse JSON that has): both become U+FFFD. A time that is none becomes null.
 */
export function encode({ type }: Column, value: unknown): Stored {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "STRING":
      return typeof value === "string" ? value.toWellFormed() : encodeJson(value);
    case "JSON":
      return encodeJson(value);
    case "BOOLEAN":
      return value ? 1 : 0;
    case "TIMESTAMP": {
      const time = Date.parse(value as string);
      return Number.isNaN(time) ? null : time;
    }
    case "DOUBLE":
      return Number.isFinite(value) ? (value as number) : null;
    default: {
      const integer = Math.trunc(Number(value));
      return Number.isNaN(integer)
        ? null
        : Math.min(MAX_INTEGER[type], Math.max(-MAX_INTEGER[type], integer));
    }
  }
}

/** JSON text without lone surrogates. `JSON.stringify` writes those as `\udXXX`, and a real backslash as two. */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes("\\ud")) return text;
  return text.replace(LONE_SURROGATE_OR_BACKSLASH, (found) => (found === "\\\\" ? found : "\ufffd"));
}

/** The value as projection made it: JSON columns hold values, timestamps ISO 8601 text. */
export function decode({ type }: Column, stored: Stored): unknown {
  if (stored === null) return null;
  switch (type) {
    case "JSON":
      return JSON.parse(stored as string);
    case "BOOLEAN":
      return stored !== 0;
    case "TIMESTAMP":
      return new Date(stored).toISOString();
    default:
      return stored;
  }
}
