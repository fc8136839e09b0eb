import type { Json, JsonObject } from "../../contract/plugin.ts";

/** A kind of file that is lines of assignments, with comments that begin with `#`. */
export interface Dialect {
  /** Throws a HypError for what is none. */
  parse(text: string): JsonObject;
  assignment(name: string, value: Json): string;
  /** The line that begins a table; absent where there are none. */
  header?(path: readonly string[]): string;
  /** Whether the line could begin the assignment. */
  assigns(line: string, name: string): boolean;
}

/** One without a byte order mark. */
export const withoutBom = (text: string): string => text.replace(/^\uFEFF/, "");
