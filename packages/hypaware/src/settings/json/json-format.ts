// A settings file in JSON. Our mark is its member `_hypaware`; everything else of ours is members and elements.
import { isDeepStrictEqual } from "node:util";
import type { ClientSettings, Json } from "../../contract/plugin.ts";
import { isObject } from "../is-object.ts";
import { type Mark, type Piece, type SettingsFormat, pathOf, pointerOf } from "../settings-format.ts";
import { addElement, setValue } from "./insert.ts";
import { removeChild } from "./remove.ts";
import { type Node, endOf, memberOf, nodeAt, objectOf, parseRoot, valueOf } from "./tree.ts";

const MARK = "_hypaware";

export const jsonFormat: SettingsFormat = {
  empty: "{}\n",

  values(text, settings) {
    return objectOf(parseRoot(text, isStrict(settings)));
  },

  mark(text, settings) {
    const value = objectOf(parseRoot(text, isStrict(settings)))[MARK];
    return isObject(value) ? (value as Mark) : undefined;
  },

  write(text, writes, mark, settings) {
    let result = text;
    const pieces: Piece[] = [];
    for (const { kind, path, value } of [
      // Each stands before those that were written before it.
      ...writes.toReversed(),
      { kind: "set", path: [MARK], value: mark },
    ]) {
      const edit = kind === "add" ? addElement : setValue;
      const written = edit(result, path, value, isStrict(settings));
      result = written.text;
      pieces.push(...written.pieces);
    }
    return { text: result, pieces };
  },

  strip(text, known, settings) {
    const strict = isStrict(settings);
    const mark = jsonFormat.mark(text, settings);
    const pieces = known ?? (mark === undefined ? [] : fromMark(mark, settings));
    const [removed, restored]: Record<string, Json>[] = [{}, {}];
    const warnings: string[] = [];
    let result = text;
    const left: Piece[] = [];
    for (const piece of pieces.toReversed()) {
      const root = parseRoot(result, strict);
      const value = nodeAt(root, piece.path);
      const exact = undone(result, root, piece);
      if (exact === undefined) {
        left.push(piece);
        continue;
      }
      if (piece.kind !== "element" && value !== undefined) removed![pointerOf(piece.path)] = valueOf(value);
      if (piece.kind === "value") restored![pointerOf(piece.path)] = JSON.parse(piece.displaced) as Json;
      result = exact;
    }
    for (const piece of left) {
      const root = parseRoot(result, strict);
      const pointer = pointerOf(piece.path);
      const value = nodeAt(root, piece.path);
      if (value === undefined) continue;
      if (piece.kind === "element") {
        const ours = JSON.parse(nodeTextOf(piece)) as Json;
        const element = value.children?.find((each) => isDeepStrictEqual(valueOf(each), ours));
        if (element !== undefined) result = removeChild(result, value, element);
        continue;
      }
      const isMark = pointer === `/${MARK}`;
      if (!isMark && !isDeepStrictEqual(valueOf(value), oursOf(piece))) {
        // A container that the person has put something into is the person's by now.
        if (typeof oursOf(piece) === "string")
          warnings.push(`${piece.path.at(-1)} was overridden externally; leaving in place`);
        continue;
      }
      removed![pointer] = valueOf(value);
      if (piece.kind === "value" && !isMark) {
        result = result.slice(0, value.offset) + piece.displaced + result.slice(endOf(value));
        restored![pointer] = JSON.parse(piece.displaced) as Json;
      } else result = removeMember(result, root, piece.path);
    }
    result = withoutManaged(result, settings);
    if (known === undefined && mark !== undefined) result = withoutEmpty(result, pieces, strict);
    return { text: result, removed: removed!, restored: restored!, warnings };
  },
};

const isStrict = (settings: ClientSettings): boolean => settings.isStrict === true;

/** The text of the member or element itself. */
const nodeTextOf = ({ ours, lead }: Piece): string => ours.slice(lead).replace(/,?\s*$/, "");

function oursOf(piece: Piece): unknown {
  const text = nodeTextOf(piece);
  if (piece.kind === "value") return JSON.parse(text);
  return Object.values(JSON.parse(`{${text}}`) as object)[0];
}

/** The text without the piece, when it stands there as it was written. */
function undone(text: string, root: Node, { kind, path, ours, lead, displaced }: Piece): string | undefined {
  const candidates =
    kind === "element"
      ? (nodeAt(root, path)?.children ?? [])
      : kind === "value"
        ? [nodeAt(root, path)]
        : [memberOf(nodeAt(root, path.slice(0, -1)), path.at(-1)!)];
  for (const node of candidates) {
    const start = (node?.offset ?? Number.NaN) - lead;
    if (start >= 0 && text.startsWith(ours, start))
      return text.slice(0, start) + displaced + text.slice(start + ours.length);
  }
  return undefined;
}

function removeMember(text: string, root: Node, path: readonly string[]): string {
  const container = nodeAt(root, path.slice(0, -1));
  const member = memberOf(container, path.at(-1)!);
  return container === undefined || member === undefined ? text : removeChild(text, container, member);
}

/** What the mark alone says of what was written. */
function fromMark(mark: Mark, settings: ClientSettings): readonly Piece[] {
  const wrote = isObject(mark.wrote)
    ? Object.entries(mark.wrote).map(([pointer, value]) => ({ path: pathOf(pointer), value: value as Json }))
    : (settings.wroteBefore?.(mark) ?? []);
  const previous = isObject(mark.previous) ? mark.previous : {};
  const pieces = wrote.map(({ path, value }): Piece => {
    const before = previous[pointerOf(path)];
    if (before !== undefined)
      return { kind: "value", path, ours: JSON.stringify(value), lead: 0, displaced: JSON.stringify(before) };
    return member(path, value);
  });
  return [...pieces, member([MARK], mark)];
}

/** How it was written is not known: no text has a NUL, so this is not found as text but by its place. */
function member(path: readonly string[], value: Json): Piece {
  const ours = `\0${JSON.stringify(path.at(-1))}: ${JSON.stringify(value)}`;
  return { kind: "member", path, ours, lead: 1, displaced: "" };
}

/** Without the elements that are ours whoever wrote them, and the lists and objects that held nothing else. */
function withoutManaged(text: string, settings: ClientSettings): string {
  const { managed } = settings;
  if (managed === undefined) return text;
  let result = text;
  for (;;) {
    const root = parseRoot(result, isStrict(settings));
    const found = placesOf(root, managed.path).find((path) => managed.isOurs(valueOf(nodeAt(root, path)!)));
    if (found === undefined) return result;
    result = removedUpwards(result, root, found);
  }
}

function placesOf(root: Node, pattern: readonly string[]): readonly (readonly string[])[] {
  return pattern.reduce<readonly (readonly string[])[]>(
    (paths, name) =>
      paths.flatMap((path) => {
        const node = nodeAt(root, path);
        const names =
          name !== "*"
            ? [name]
            : node?.type === "array"
              ? (node.children ?? []).map((_, index) => String(index))
              : node?.type === "object"
                ? (node.children ?? []).map((member) => String(member.children?.[0]?.value))
                : [];
        return names
          .filter((each) => nodeAt(root, [...path, each]) !== undefined)
          .map((each) => [...path, each]);
      }),
    [[]],
  );
}

/** An element whose list holds nothing else takes the element of the list around it along, and so on up to the root. */
function removedUpwards(text: string, root: Node, path: readonly string[]): string {
  let at = path;
  for (let above = path.slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
    const node = nodeAt(root, above)!;
    const isAlone = (node.children ?? []).length === 1;
    // A group of the person's settings around our only list is nothing without it.
    const isGroup = node.type === "object" && nodeAt(root, above.slice(0, -1))?.type === "array";
    if (!isAlone && !isGroup) break;
    at = above;
  }
  const container = nodeAt(root, at.slice(0, -1))!;
  const child = container.type === "array" ? nodeAt(root, at)! : memberOf(container, at.at(-1)!)!;
  return removeChild(text, container, child);
}

/** Without what came into being around members of ours. */
function withoutEmpty(text: string, pieces: readonly Piece[], strict: boolean): string {
  let result = text;
  for (const { path } of pieces)
    for (let above = path.slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
      const root = parseRoot(result, strict);
      const node = nodeAt(root, above);
      if (node?.type === "object" && (node.children ?? []).length === 0)
        result = removeMember(result, root, above);
    }
  return result;
}
