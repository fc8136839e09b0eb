import type { CommandNode, OptionNode, Values } from "./command-tree.ts";

export interface Completions {
  readonly values: readonly { readonly value: string; readonly description: string }[];
  /** The shell's own completion of file names is wanted. */
  readonly files: boolean;
}

const NONE: Completions = { values: [], files: false };
const FILES: Completions = { values: [], files: true };

/** What can stand in the place of the last of the words behind `hyp`, which may be empty or begun. */
export function complete(tree: CommandNode, words: readonly string[]): Completions {
  const typed = asOneWord(words);
  const before = typed.words.slice(0, -1);
  const current = typed.words.at(-1) ?? "";
  const place = walk(tree, before);
  if (place.isRest) return FILES;
  if (place.pending !== undefined) return among(place.pending, current);

  const assigned = /^(--[\w-]+=)(.*)$/s.exec(current);
  if (assigned !== null) {
    const [, head = "", value = ""] = assigned;
    const option = optionOf(place.node, head.slice(0, -1));
    // Where the shell breaks words at `=`, what replaces the word is the value alone.
    return option?.value === undefined ? NONE : among(option.value, value, typed.isSplit ? "" : head);
  }
  if (current.startsWith("-")) return options(place, current);

  const { node, position } = place;
  const commands = position === 0 ? starting(node.commands, current) : [];
  const values = valuesAt(node, position);
  const own = values === undefined ? NONE : among(values, current);
  return { values: [...commands, ...own.values], files: own.files };
}

interface Place {
  readonly node: CommandNode;
  /** How many arguments stand before it. */
  readonly position: number;
  /** The value of the option just before. */
  readonly pending: Values | undefined;
  readonly used: ReadonlySet<OptionNode>;
  readonly isRest: boolean;
}

function walk(tree: CommandNode, words: readonly string[]): Place {
  let node = tree;
  let position = 0;
  let pending: Values | undefined;
  let used = new Set<OptionNode>();
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    if (word === "--") return { node, position, pending, used, isRest: true };
    const child = position === 0 ? node.commands.find(({ name }) => name === word) : undefined;
    if (word.startsWith("-")) {
      const option = optionOf(node, word.replace(/=.*/s, ""));
      if (option === undefined) continue;
      used.add(option);
      if (!word.includes("=")) pending = option.value;
    } else if (child === undefined) position += 1;
    else [node, used] = [child, new Set()];
  }
  return { node, position, pending, used, isRest: valuesAt(node, position) === "rest" };
}

const valuesAt = (node: CommandNode, position: number): Values | undefined =>
  node.arguments[position] ?? (node.isVariadic ? node.arguments.at(-1) : undefined);

const optionOf = ({ options }: CommandNode, flag: string): OptionNode | undefined =>
  options.find(({ flags }) => flags.includes(flag));

function options({ node, used }: Place, current: string): Completions {
  const flags = node.options
    .filter((option) => !used.has(option))
    .flatMap((option) => {
      // The long form says more, unless the short one was begun.
      const value = option.flags.toReversed().find((flag) => flag.startsWith(current));
      return value === undefined ? [] : [{ value, description: option.description }];
    });
  return { values: flags, files: false };
}

const starting = (nodes: readonly CommandNode[], current: string): Completions["values"] =>
  nodes
    .filter(({ name }) => name.startsWith(current))
    .map(({ name, description }) => ({ value: name, description }));

function among(values: Values, current: string, head = ""): Completions {
  if (typeof values === "string") return FILES;
  const fitting = values.filter((value) => value.startsWith(current));
  return { values: fitting.map((value) => ({ value: head + value, description: "" })), files: false };
}

/** bash hands `--option=value` over as three words. */
function asOneWord(words: readonly string[]): {
  readonly words: readonly string[];
  readonly isSplit: boolean;
} {
  const joined: string[] = [];
  let isSplit = false;
  for (const [index, word] of words.entries()) {
    const last = joined.at(-1);
    const isSign = word === "=" && last !== undefined && /^--[\w-]+$/.test(last);
    const isValue = words[index - 1] === "=" && last?.endsWith("=") === true;
    isSplit = isSign || isValue;
    if (isSplit) joined[joined.length - 1] = last + word;
    else joined.push(word);
  }
  return { words: joined, isSplit };
}
