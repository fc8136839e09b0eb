// What clients wrote down, read from their files: which messages there are, under which names, and what is before each. Shares no code with
// the product.

import type { RecordFile } from "../scenario.ts";

export interface ToldLine {
  readonly id: string;
  readonly conversation: string;
  /** Name of the message before; null at a root, undefined where the record does not name it. */
  readonly parent: string | null | undefined;
}

type Loose = { readonly [name: string]: unknown };

/** By name, in the order in which they were written; a repeat by a fork counts where it was said first. */
export function toldLines(files: readonly RecordFile[]): ReadonlyMap<string, ToldLine> {
  const told = new Map<string, ToldLine>();
  for (const file of inOrder(files))
    for (const line of linesOf(file)) if (!told.has(line.id)) told.set(line.id, line);
  return told;
}

/** Files in the order of their first timestamps: a fork's is younger than what it was forked from. */
export function inOrder(files: readonly RecordFile[]): readonly RecordFile[] {
  const begin = ({ text }: RecordFile): string => /"(?:timestamp|startTime)":"([^"]+)"/.exec(text)?.[1] ?? "";
  // A subagent's begins after the session's.
  return [...files].sort(
    (a, b) => a.path.split("/").length - b.path.split("/").length || (begin(a) < begin(b) ? -1 : 1),
  );
}

function linesOf({ path, text }: RecordFile): readonly ToldLine[] {
  if (!path.endsWith(".jsonl")) return [];
  const values = text
    .split("\n")
    .flatMap((line): Loose[] => (line === "" ? [] : [JSON.parse(line) as Loose]));
  if (path.startsWith(".claude/")) return values.flatMap(claudeLine);
  return path.startsWith(".codex/") ? codexLines(values) : [];
}

/** Items with a name of their own; which one comes before is said by the order alone, and remarks stand in between. */
function codexLines(values: readonly Loose[]): readonly ToldLine[] {
  const meta = values.find(({ type }) => type === "session_meta")?.["payload"] as Loose | undefined;
  return values.flatMap(({ type, payload }) => {
    const { id, content, type: kind } = payload as Loose;
    const isEmpty = Array.isArray(content) && content.length === 0;
    if (type !== "response_item" || typeof id !== "string" || (kind === "message" && isEmpty)) return [];
    return [{ id, conversation: String(meta?.["id"]), parent: undefined }];
  });
}

function claudeLine(line: Loose): readonly ToldLine[] {
  const { uuid, sessionId, parentUuid, isSidechain, agentId } = line;
  if (typeof uuid !== "string" || typeof sessionId !== "string") return [];
  return [
    {
      id: uuid,
      conversation:
        isSidechain === true && typeof agentId === "string" ? `${sessionId}/${agentId}` : sessionId,
      parent: typeof parentUuid === "string" ? parentUuid : null,
    },
  ];
}
