// New members and elements go before the first one that is there, so that comments and commas behind it stay whose they are, and
// what the person adds at the end of a list does not touch ours.
import type { Json } from "../../contract/plugin.ts";
import type { Piece, Written } from "../settings-format.ts";
import { type Node, endOf, memberOf, nodeAt, parseRoot } from "./tree.ts";

interface Style {
  readonly eol: string;
  /** One step of indentation. */
  readonly unit: string;
  /** Everything stands on one line. */
  readonly isInline: boolean;
}

function styleOf(text: string, root: Node): Style {
  const [first] = root.children ?? [];
  const before = first === undefined ? "" : text.slice(root.offset + 1, first.offset);
  return {
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    unit: /\n([ \t]+)$/.exec(before)?.[1] ?? "  ",
    isInline: first !== undefined && !text.slice(root.offset, endOf(root)).includes("\n"),
  };
}

/** The indentation of the line on which the node begins. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

function written(value: Json, indent: string, { eol, unit, isInline }: Style): string {
  return isInline ? JSON.stringify(value) : JSON.stringify(value, null, unit).replaceAll("\n", eol + indent);
}

function spliced(text: string, at: number, piece: Piece, length: number): { text: string; piece: Piece } {
  return { text: text.slice(0, at) + piece.ours + text.slice(at + length), piece };
}

/** Puts a new child into an object or a list. */
function insertInto(
  text: string,
  container: Node,
  style: Style,
  piece: { readonly kind: "member" | "element"; readonly path: readonly string[]; readonly name?: string },
  value: Json,
): { text: string; piece: Piece } {
  const [first] = container.children ?? [];
  const outer = indentAt(text, container.offset);
  const spaces =
    first === undefined ? "" : (/\s*$/.exec(text.slice(container.offset + 1, first.offset))?.[0] ?? "");
  const indent = spaces.includes("\n") ? spaces.slice(spaces.lastIndexOf("\n") + 1) : outer + style.unit;
  const label = piece.name === undefined ? "" : `${JSON.stringify(piece.name)}: `;
  const node = label + written(value, indent, style);
  const { kind, path } = piece;
  if (first !== undefined) {
    const gap = spaces.includes("\n") ? style.eol + indent : " ";
    return spliced(text, first.offset, { kind, path, ours: `${node},${gap}`, lead: 0, displaced: "" }, 0);
  }
  const [before, after] = style.isInline ? ["", ""] : [style.eol + indent, style.eol + outer];
  const ours = before + node + after;
  // What an empty container holds (white space, comments) stays behind ours.
  return spliced(text, container.offset + 1, { kind, path, ours, lead: before.length, displaced: "" }, 0);
}

/** Sets the value at the path; objects on the way come into being, what is there and no object is replaced. */
export function setValue(text: string, path: readonly string[], value: Json, isStrict: boolean): Written {
  const pieces: Piece[] = [];
  let result = text;
  const step = ({ text: next, piece }: { text: string; piece: Piece }): void => {
    result = next;
    pieces.push(piece);
  };
  for (const [depth, name] of path.entries()) {
    const at = path.slice(0, depth + 1);
    const isLast = at.length === path.length;
    const root = parseRoot(result, isStrict);
    const container = nodeAt(root, at.slice(0, -1))!;
    const node = memberOf(container, name)?.children?.[1];
    const next = isLast ? value : {};
    const style = styleOf(result, root);
    if (node === undefined)
      step(insertInto(result, container, style, { kind: "member", path: at, name }, next));
    else if (isLast || node.type !== "object") step(replaced(result, node, style, at, next));
  }
  return { text: result, pieces };
}

function replaced(text: string, node: Node, style: Style, path: readonly string[], value: Json) {
  const ours = written(value, indentAt(text, node.offset), style);
  const displaced = text.slice(node.offset, endOf(node));
  return spliced(text, node.offset, { kind: "value", path, ours, lead: 0, displaced }, node.length);
}

/** Adds an element to the list at the path, which comes into being. */
export function addElement(text: string, path: readonly string[], value: Json, isStrict: boolean): Written {
  const there = nodeAt(parseRoot(text, isStrict), path);
  const list = there?.type === "array" ? { text, pieces: [] } : setValue(text, path, [], isStrict);
  const root = parseRoot(list.text, isStrict);
  const inserted = insertInto(
    list.text,
    nodeAt(root, path)!,
    styleOf(list.text, root),
    { kind: "element", path },
    value,
  );
  return { text: inserted.text, pieces: [...list.pieces, inserted.piece] };
}
