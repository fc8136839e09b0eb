import type { ClientSettings, Json, JsonObject, SettingsMark } from "../contract/plugin.ts";

/** A stretch of text that we put into a file, and what stood in its place. */
export interface Piece {
  /**
   * `member`, `element`: a new one of an object or a list; `value`: of a member that was there. `text`: lines.
   */
  readonly kind: "member" | "element" | "value" | "text";
  /** Of the member; of the list; empty for lines. */
  readonly path: readonly string[];
  readonly ours: string;
  /** How many characters of `ours` stand before the member or the element itself. */
  readonly lead: number;
  readonly displaced: string;
}

/** The mark that we leave in a file. */
export interface Mark extends SettingsMark {
  /** JSON pointer → value, of what was set. Absent in marks of older versions. */
  readonly wrote?: JsonObject;
  /** JSON pointer → value, of what stood there before. */
  readonly previous?: JsonObject;
  /** There was no file. */
  readonly created?: boolean;
}

/** A change that is to be made: one that leaves what the person has is not here any more. */
export interface Write {
  readonly kind: "set" | "add";
  readonly path: readonly string[];
  readonly value: Json;
  readonly block?: string;
}

export interface Written {
  readonly text: string;
  readonly pieces: readonly Piece[];
}

/** A file without us. */
export interface Stripped {
  readonly text: string;
  /** What was taken out, by JSON pointer. */
  readonly removed: JsonObject;
  /** What stood there before and stands there again. */
  readonly restored: JsonObject;
  readonly warnings: readonly string[];
}

/**
 * How files of one kind are read and edited. Every function throws a HypError for a file that it cannot read, and then nothing is
 * to be written.
 */
export interface SettingsFormat {
  /** Of a file that holds nothing. */
  readonly empty: string;
  values(text: string, settings: ClientSettings): JsonObject;
  mark(text: string, settings: ClientSettings): Mark | undefined;
  write(text: string, writes: readonly Write[], mark: Mark, settings: ClientSettings): Written;
  /** With the pieces that were written with this mark: exactly as it was; without: by what the mark and the structure say. */
  strip(text: string, pieces: readonly Piece[] | undefined, settings: ClientSettings): Stripped;
}

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");
export const pointerOf = (path: readonly string[]): string =>
  path.map((name) => `/${escaped(name)}`).join("");
export const pathOf = (pointer: string): readonly string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
