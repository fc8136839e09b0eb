import { visible } from "./cell-text.ts";

const PLAIN = /^[\x20-\x7e]*$/;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]/u;
/** No character takes more code units than this in the text that a terminal's line can show. */
const UNITS_PER_COLUMN = 8;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Any text as visible text of one line, cut to the width. */
export function oneLine(text: string, width: number): string {
  return fit(visible(text.slice(0, width * UNITS_PER_COLUMN).replace(/\r?\n/g, "⏎")), width);
}

/** Visible text, cut to the width. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Columns of a terminal. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
