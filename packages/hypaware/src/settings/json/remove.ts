import { type Node, endOf } from "./tree.ts";

/**
 * Takes a member or an element out of its container, with the comma that it needed and the white space before its follower.
 * Comments stay.
 */
export function removeChild(text: string, container: Node, child: Node): string {
  const children = container.children ?? [];
  const index = children.indexOf(child);
  const next = children[index + 1];
  const previous = children[index - 1];
  const cut = (from: number, to: number): string => text.slice(0, from) + text.slice(to);
  const comma = commaBehind(text, endOf(child), next?.offset ?? endOf(container) - 1);
  if (next !== undefined) {
    const end = comma + 1;
    const spaces = /^\s*/.exec(text.slice(end, next.offset))?.[0].length ?? 0;
    return cut(child.offset, end + spaces);
  }
  const end = comma === -1 ? endOf(child) : comma + 1;
  if (previous !== undefined) {
    const before = commaBehind(text, endOf(previous), child.offset);
    const start = child.offset - (/\s*$/.exec(text.slice(before + 1, child.offset))?.[0].length ?? 0);
    // With a comma behind the last one, the one before it stays.
    return comma === -1
      ? text.slice(0, before) + text.slice(before + 1, start) + text.slice(end)
      : cut(start, end);
  }
  const inside = text.slice(container.offset + 1, child.offset) + text.slice(end, endOf(container) - 1);
  if (inside.trim() === "") return cut(container.offset + 1, endOf(container) - 1);
  return cut(child.offset, end);
}

/** Place of the comma between two places, -1 without one. Comments may stand there, too. */
function commaBehind(text: string, from: number, to: number): number {
  const between = text
    .slice(from, to)
    .replaceAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => "x".repeat(comment.length));
  const at = between.indexOf(",");
  return at === -1 ? -1 : from + at;
}
