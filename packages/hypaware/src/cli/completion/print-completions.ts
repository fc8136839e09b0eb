import { readFileSync } from "node:fs";
import { complete } from "./complete.ts";
import type { CommandNode } from "./command-tree.ts";

/** Written by the build. */
export const TREE_FILE = new URL("command-tree.json", import.meta.url);

/**
 * For the scripts of `hyp completion`: `words` is what stands behind `hyp` up to the cursor. A line for each word that can stand there,
 * with a tab before its description; then `:files` where file names can, else `:`. Anything wrong completes nothing.
 */
export function printCompletions(words: readonly string[], stdout: { write(text: string): unknown }): void {
  const tree = JSON.parse(readFileSync(TREE_FILE, "utf8")) as CommandNode;
  const { values, files } = complete(tree, words);
  const lines = values.map(({ value, description }) => `${value}\t${description}\n`);
  stdout.write(`${lines.join("")}:${files ? "files" : ""}\n`);
}
