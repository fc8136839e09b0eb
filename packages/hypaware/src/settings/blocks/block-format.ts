// Settings that are lines. Ours stand in blocks between two comments:
//
//   # BEGIN hypaware <client> <name>
//   # attached_at = "…"                     the mark, in the first block
//   …
//   # END hypaware <client> <name>
//
// Keys of the root stand at the top, where no table can swallow them; tables at the end. A line that ours replaces becomes a comment
// in its place. So everything that undoing needs is in the file.
//
// Trap: a client that writes into its own file may put its lines before our END, or move that comment to the file's end. What
// stands between the comments and is not ours therefore stays.

import { HypError } from "../../contract/errors.ts";
import type { ClientSettings, Json, JsonObject } from "../../contract/plugin.ts";
import { isObject } from "../is-object.ts";
import { type Mark, type SettingsFormat, type Stripped, type Write, pointerOf } from "../settings-format.ts";
import type { Dialect } from "./dialect.ts";
import { valueAt } from "../value-at.ts";

const DISPLACED = "# hypaware displaced: ";
const FACT = /^# (\w+) = (.*?)\r?\n?$/;
const BOM = "\uFEFF";

export function blockFormat(dialect: Dialect): SettingsFormat {
  const format: SettingsFormat = {
    empty: "",
    values: (text) => dialect.parse(text),

    mark(text, settings) {
      const inside = new RegExp(`^# BEGIN hypaware ${settings.client} [^]*?^# END hypaware`, "gm");
      const facts = [...text.replace(BOM, "").matchAll(inside)].flatMap(([block]) =>
        linesOf(block).flatMap(factOf),
      );
      const mark = Object.fromEntries(facts);
      return typeof mark["attached_at"] === "string" ? (mark as unknown as Mark) : undefined;
    },

    write(text, writes, mark, settings) {
      const before = dialect.parse(text);
      const eol = text.includes("\r\n") ? "\r\n" : "\n";
      const [roots, tables] = [writes.filter(isOfRoot), writes.filter((write) => !isOfRoot(write))];
      for (const { path } of tables) refuseTaken(before, path);
      const facts = factsOf(mark, tables.length > 0 && text !== "" && !text.endsWith("\n"));
      let body = roots.reduce((rest, { path }) => displace(rest, path[0]!, dialect), text.replace(BOM, ""));
      const top = block(settings, roots, facts, dialect);
      if (tables.length > 0) {
        const gap = (body === "" || body.endsWith("\n") ? "" : eol) + eol;
        body = `${body}${gap}${block(settings, tables, [], dialect).join(eol)}${eol}`;
      }
      const gap = body === "" ? "" : eol;
      const result = `${text.startsWith(BOM) ? BOM : ""}${top.join(eol)}${eol}${gap}${body}`;
      verify(dialect, text, result, writes);
      return { text: result, pieces: [] };
    },

    strip: (text, _pieces, settings) => strip(text, settings, dialect),
  };
  return format;
}

const isOfRoot = ({ path }: Write): boolean => path.length === 1;
const linesOf = (text: string): readonly string[] => text.replace(BOM, "").match(/[^\n]*\n|[^\n]+/g) ?? [];
const isMarked = (text: string, { client }: ClientSettings): boolean =>
  text.includes(`# BEGIN hypaware ${client} `);

function factOf(line: string): readonly (readonly [string, Json])[] {
  const [, name, value] = FACT.exec(line) ?? [];
  if (name === undefined || value === undefined) return [];
  try {
    return [[name, JSON.parse(value) as Json]];
  } catch {
    return [];
  }
}

/** As comments. What stood there before is named by its last name. */
function factsOf({ previous, ...mark }: Mark, isCutShort: boolean): readonly string[] {
  const before = Object.entries(previous ?? {}).map(
    ([pointer, value]) => [`previous_${pointer.slice(pointer.lastIndexOf("/") + 1)}`, value] as const,
  );
  const facts = [
    // What was written stands there as it was written.
    ...Object.entries(mark).filter(([name]) => name !== "wrote"),
    ...before,
    ...(isCutShort ? [["no_last_newline", true] as const] : []),
  ];
  return facts.map(([name, value]) => `# ${name} = ${JSON.stringify(value)}`);
}

function block(
  { client }: ClientSettings,
  writes: readonly Write[],
  facts: readonly string[],
  dialect: Dialect,
): readonly string[] {
  const name = `hypaware ${client} ${writes[0]?.block ?? "settings"}`;
  return [
    `# BEGIN ${name}`,
    ...facts,
    ...writes.flatMap((write) => linesFor(write, dialect)),
    `# END ${name}`,
  ];
}

function linesFor({ path, value }: Write, dialect: Dialect): readonly string[] {
  const header = dialect.header?.(path);
  if (path.length === 1 || header === undefined || !isObject(value))
    return [dialect.assignment(path[0]!, value)];
  return [header, ...Object.entries(value).map(([name, each]) => dialect.assignment(name, each ?? ""))];
}

function refuseTaken(values: JsonObject, path: readonly string[]): void {
  if (valueAt(values, path) === undefined) return;
  const message = `has a [${path.join(".")}] that hyp attach did not write`;
  throw new HypError("MALFORMED_MARKER", message, {
    next: "Remove that table, or rename it, and run it again.",
  });
}

/** Makes a comment of the line that assigns the name at the root. */
function displace(text: string, name: string, dialect: Dialect): string {
  const before = dialect.parse(text);
  if (before[name] === undefined) return text;
  const { [name]: _, ...without } = before;
  const lines = linesOf(text);
  // A line of a table, or within a text of many lines, looks the same; only without the right one exactly this is missing.
  const place = lines.findIndex((line, index) => {
    if (!dialect.assigns(line, name)) return false;
    try {
      return isSame(dialect.parse(lines.toSpliced(index, 1).join("")), without);
    } catch {
      return false;
    }
  });
  if (place === -1) {
    const next = `Write ${name} on one line, or remove it, and run it again.`;
    throw new HypError("MALFORMED_MARKER", `has a ${name} that cannot be put aside as one line`, { next });
  }
  return lines.with(place, DISPLACED + lines[place]!).join("");
}

/** What is read again is what was there and what was to be written, and nothing else. */
function verify(dialect: Dialect, before: string, after: string, writes: readonly Write[]): void {
  const expected = dialect.parse(before) as Record<string, Json>;
  for (const { path, value } of writes) {
    let inner = expected;
    for (const name of path.slice(0, -1)) inner = (inner[name] ??= {}) as Record<string, Json>;
    inner[path.at(-1)!] = value;
  }
  if (!isSame(dialect.parse(after), expected))
    throw new HypError("MALFORMED_TOML", "cannot be edited as text: its other settings would change");
}

const isSame = (a: Json, b: Json): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (value: Json): Json =>
  Array.isArray(value)
    ? value.map(sorted)
    : isObject(value) && !((value as object) instanceof Date)
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((name) => [name, sorted(value[name]!)]),
        )
      : value;

function strip(text: string, settings: ClientSettings, dialect: Dialect): Stripped {
  const unchanged = { text, removed: {}, restored: {}, warnings: [] };
  if (!isMarked(text, settings)) return unchanged;
  const bom = text.startsWith(BOM) ? BOM : "";
  const mark = blockFormat(dialect).mark(text, settings);
  const ours = settings.wroteBefore?.(mark ?? { attached_at: "", version: "", port: 0 }) ?? [];
  const removed: Record<string, Json> = {};
  const before = dialect.parse(text);
  for (const { path } of ours) {
    const value = valueAt(before, path);
    if (value !== undefined) removed[pointerOf(path)] = value;
  }
  const kept = withoutBlocks(
    linesOf(text),
    settings,
    ours.map(({ path }) => path),
    dialect,
  );
  const { lines, restored, warnings } = withDisplaced(
    kept,
    ours.map(({ path }) => path),
    dialect,
  );
  let result = lines.join("");
  if (mark?.["no_last_newline"] === true && kept.isEndOurs) result = result.replace(/\r?\n$/, "");
  // An older version named what it displaced in the mark alone.
  for (const { path } of ours) {
    const [name = ""] = path;
    const value = path.length === 1 ? mark?.[`previous_${name}`] : undefined;
    if (value === undefined || dialect.parse(result)[name] !== undefined) continue;
    result = dialect.assignment(name, value) + (text.includes("\r\n") ? "\r\n" : "\n") + result;
    restored[pointerOf(path)] = value;
  }
  dialect.parse(result);
  return { text: bom + result, removed, restored, warnings };
}

interface Kept {
  readonly lines: readonly string[];
  /** Nothing of the person's stands behind our last block. */
  readonly isEndOurs: boolean;
}

function withoutBlocks(
  lines: readonly string[],
  { client }: ClientSettings,
  ours: readonly (readonly string[])[],
  dialect: Dialect,
): Kept {
  const kept: string[] = [];
  let open: string | undefined;
  let above: string[] = [];
  let [inOwnTable, beganAtTop, isTop, isEndOurs] = [false, false, false, false];
  const headers = new Set(ours.filter(({ length }) => length > 1).map((path) => dialect.header?.(path)));
  for (const line of lines) {
    const bare = line.trim();
    const [, edge, name] = new RegExp(`^# (BEGIN|END) hypaware ${client} (\\S+)$`).exec(bare) ?? [];
    const wasTop = isTop;
    isTop = false;
    if (edge === "BEGIN") {
      if (open !== undefined) throw unterminated(client);
      [open, inOwnTable, above, beganAtTop] = [name, false, [], kept.length === 0];
      // The empty line that we put before a block at the end.
      if (kept.at(-1)?.trim() === "" && kept.length > 0 && name !== undefined) kept.pop();
      continue;
    }
    if (edge === "END" && open !== undefined) {
      [open, inOwnTable, isTop, isEndOurs] = [undefined, false, beganAtTop, true];
      continue;
    }
    // … and the one behind a block at the top.
    if (wasTop && bare === "") continue;
    if (open !== undefined) {
      if (bare.startsWith("[")) {
        inOwnTable = headers.has(bare);
        // What stands right above another table belongs to that one.
        if (!inOwnTable) kept.push(...above);
        above = [];
      }
      const isOwn =
        inOwnTable ||
        FACT.test(line) ||
        ours.some((path) => path.length === 1 && dialect.assigns(line, path[0]!));
      if (inOwnTable && (bare === "" || bare.startsWith("#"))) above.push(line);
      else above = [];
      if (isOwn) continue;
    }
    if (bare !== "") isEndOurs = false;
    kept.push(line);
  }
  if (open !== undefined) throw unterminated(client);
  return { lines: kept, isEndOurs: isEndOurs || lines.length === 0 };
}

const unterminated = (client: string): HypError =>
  new HypError("MALFORMED_MARKER", `unterminated hypaware-managed ${client} config block`);

/** What ours displaced stands there again, unless the person has set it anew. */
function withDisplaced({ lines }: Kept, ours: readonly (readonly string[])[], dialect: Dialect) {
  const values = dialect.parse(lines.join(""));
  const restored: Record<string, Json> = {};
  const warnings: string[] = [];
  const result = lines.flatMap((line) => {
    if (!line.startsWith(DISPLACED)) return [line];
    const original = line.slice(DISPLACED.length);
    const name = ours.find((path) => path.length === 1 && dialect.assigns(original, path[0]!))?.[0];
    if (name === undefined) return [original];
    const now = values[name];
    if (now === undefined) {
      restored[pointerOf([name])] = dialect.parse(original)[name]!;
      return [original];
    }
    warnings.push(
      `${name} was changed externally; leaving ${JSON.stringify(now).replace(/^"(.*)"$/, "$1")} in place`,
    );
    return [];
  });
  return { lines: result, restored, warnings };
}
