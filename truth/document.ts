// docs/truth.md: what differs by nature, and a table of all scenarios. The text stands; tables are written between their marks.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Checked } from "./check.ts";

const FILE = join(dirname(fileURLToPath(import.meta.url)), "..", "docs", "truth.md");

/** `captures`: whole recordings, kept elsewhere; `fixtures`: those that the repository brings. */
export type Source = "captures" | "fixtures";

export function writeTable(source: Source, results: readonly Checked[]): void {
  const { before, after } = readTable(source);
  writeFileSync(FILE, `${before}\n\n${table(results)}\n${after}`);
}

/**
 * Lines of scenarios in which the document's table has something else; empty when it is as it stands there. Captures that it does not
 * have are others than it was made of.
 */
export function changedLines(source: Source, results: readonly Checked[]): readonly string[] {
  const known = new Set(readTable(source).text.split("\n"));
  const named = new Set([...known].map(nameOf));
  return results
    .map(line)
    .filter((each) => !known.has(each) && (source === "fixtures" || named.has(nameOf(each))));
}

/** The document around a table and between its marks. */
function readTable(source: Source): {
  readonly before: string;
  readonly text: string;
  readonly after: string;
} {
  const [begin, end] = [`<!-- ${source}: begin -->`, `<!-- ${source}: end -->`];
  const document = readFileSync(FILE, "utf8");
  const [from, to] = [document.indexOf(begin) + begin.length, document.indexOf(end)];
  if (from < begin.length || to < from)
    throw new Error(`${FILE} has no place for the table: ${begin} … ${end}`);
  return { before: document.slice(0, from), text: document.slice(from, to), after: document.slice(to) };
}

function table(results: readonly Checked[]): string {
  const sum = (of: (each: Checked) => number): number => results.reduce((total, each) => total + of(each), 0);
  return [
    "| client | scenario | exchanges | messages | parts | native | fallback | tokens in | cache read | cache write | out | differences | by nature |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...results.map(line),
    `| **all** | ${results.length} | ${sum((each) => each.exchanges)} | ${sum((each) => each.messages)} | ${sum((each) => each.parts)} | ${sum((each) => each.native)} | ${sum((each) => each.fallback)} | ${sum(({ tokens }) => tokens.input)} | ${sum(({ tokens }) => tokens.cacheRead)} | ${sum(({ tokens }) => tokens.cacheWrite)} | ${sum(({ tokens }) => tokens.output)} | ${sum((each) => each.problems.length)} | |`,
    "",
  ].join("\n");
}

function line(each: Checked): string {
  const { client, name, exchanges, messages, parts, native, fallback, tokens, problems, byNature } = each;
  const natures = Object.entries(byNature).map(([nature, count]) => `${count} ${nature}`);
  return `| ${client} | ${name} | ${exchanges} | ${messages} | ${parts} | ${native} | ${fallback} | ${tokens.input} | ${tokens.cacheRead} | ${tokens.cacheWrite} | ${tokens.output} | ${problems.length} | ${natures.join(", ")} |`;
}

/** Client and scenario. */
const nameOf = (each: string): string => each.split("|", 3).join("|");
