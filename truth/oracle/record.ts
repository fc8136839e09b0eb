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

/** Digests of the requests for an answer that a client noted and that no line answers. */
export function unansweredDigests(files: readonly RecordFile[]): readonly string[] {
  const lines = files
    .filter(({ path }) => path.startsWith(".claude/") && path.endsWith(".jsonl"))
    .flatMap(({ text }) => text.split("\n").filter((line) => line !== ""))
    .map((line) => JSON.parse(line) as Loose);
  const answered = new Set(lines.map(({ requestRef }) => requestRef));
  return lines.flatMap(({ type, id, requestDigest }) =>
    type === "api-request" && !answered.has(id) ? [String(requestDigest)] : [],
  );
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
  if (path.endsWith("/opencode.db")) return opencodeLines(text);
  if (!path.endsWith(".jsonl")) return [];
  const values = text
    .split("\n")
    .flatMap((line): Loose[] => (line === "" ? [] : [JSON.parse(line) as Loose]));
  if (path.startsWith(".claude/")) return values.flatMap(claudeLine);
  if (path.startsWith(".gemini/")) return geminiLines(values);
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

/** Answers, and before each what it answers: neighbours of one side are one message, under the name of the last. A prompt without an answer is none. */
function geminiLines(values: readonly Loose[]): readonly ToldLine[] {
  const told = new Map<string, ToldLine>();
  let conversation = "";
  let list: Loose[] = [];
  for (const value of values) {
    const set = (value["$set"] ?? value) as Loose;
    if (typeof set["sessionId"] === "string") conversation = set["sessionId"];
    if (Array.isArray(set["messages"])) list = set["messages"] as Loose[];
    const back = list.findIndex(({ id }) => id === value["$rewindTo"]);
    if (back !== -1) list = list.slice(0, back);
    if (value["type"] !== "user" && value["type"] !== "gemini") continue;
    if (!list.some(({ id }) => id === value["id"])) list = [...list, value];
    const ends = list.filter((each, index) => each["type"] !== list[index + 1]?.["type"]);
    for (const [index, { id, type }] of ends.entries()) {
      const isTold = type === "gemini" || index < ends.length - 1;
      const parent = index === 0 ? null : String(ends[index - 1]!["id"]);
      const name = String(id);
      if (isTold && !told.has(name)) told.set(name, { id: name, conversation, parent });
    }
  }
  return [...told.values()];
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

interface Rows {
  readonly tables: Readonly<
    Record<"message" | "part", { readonly rows: readonly Readonly<Record<string, string>>[] }>
  >;
}

/**
 * What was said and each answer under the name of its message, what tools brought under that of the call's part; of an API whose items
 * have names of their own each part of an answer is one.
 */
function opencodeLines(dump: string): readonly ToldLine[] {
  const { message, part } = (JSON.parse(dump) as Rows).tables;
  const last = new Map<string, string>();
  const lines: ToldLine[] = [];
  for (const { id = "", session_id: conversation = "", data = "" } of message.rows.toSorted(byId)) {
    const parts = part.rows.filter((each) => each["message_id"] === id).toSorted(byId);
    for (const name of namesOf(id, JSON.parse(data) as Loose, parts)) {
      lines.push({ id: name, conversation, parent: last.get(conversation) ?? null });
      last.set(conversation, name);
    }
  }
  return lines;
}

function namesOf(
  id: string,
  { role, providerID }: Loose,
  rows: readonly Readonly<Record<string, string>>[],
): readonly string[] {
  if (role === "user") return rows.length === 0 ? [] : [id];
  const parts: readonly Loose[] = rows.map((row) => ({
    id: row["id"] ?? "",
    ...(JSON.parse(row["data"] ?? "") as Loose),
  }));
  // What stands before the last beginning and was not ended broke off, and was said again.
  const begun = parts.findLastIndex(({ type }) => type === "step-start");
  const said = parts
    .slice(begun + 1)
    .filter(({ type, text }) => type === "tool" || (type !== "step-finish" && text !== ""));
  const calls = said.filter(({ type }) => type === "tool").map((call) => `${String(call["id"])}/output`);
  const hasItems = said.some(({ metadata }) => JSON.stringify(metadata ?? {}).includes('"itemId"'));
  if (hasItems) return [...said.map((each) => String(each["id"])), ...calls];
  const isTogether = providerID === "anthropic" || providerID === "google";
  return [...(said.length === 0 ? [] : [id]), ...(isTogether ? calls.slice(0, 1) : calls)];
}

function byId(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): number {
  return (a["id"] ?? "") < (b["id"] ?? "") ? -1 : 1;
}
