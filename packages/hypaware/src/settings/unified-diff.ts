const CONTEXT = 3;

/**
 * What changes, as `diff -u` shows it. Our edits are few and far smaller than the file, so what both texts begin and end with is put
 * aside, and the rest is compared line by line.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return "";
  const [a, b] = [linesOf(before), linesOf(after)];
  const edits = editsOf(a, b);
  const shown = edits.map((_, index) =>
    edits.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== " "),
  );
  const lines = [`--- ${path}`, `+++ ${path}`];
  let [fromLine, toLine] = [1, 1];
  for (let i = 0; i < edits.length;) {
    if (shown[i] !== true) {
      [fromLine, toLine, i] = [fromLine + 1, toLine + 1, i + 1];
      continue;
    }
    const end = shown.indexOf(false, i);
    const hunk = edits.slice(i, end === -1 ? undefined : end);
    const [olds, news] = [
      hunk.filter(({ sign }) => sign !== "+").length,
      hunk.filter(({ sign }) => sign !== "-").length,
    ];
    lines.push(`@@ -${range(fromLine, olds)} +${range(toLine, news)} @@`);
    for (const { sign, line } of hunk) {
      lines.push(sign + line.replace(/\r?\n$/, ""));
      if (!line.endsWith("\n")) lines.push("\\ No newline at end of file");
    }
    [fromLine, toLine, i] = [fromLine + olds, toLine + news, i + hunk.length];
  }
  return `${lines.join("\n")}\n`;
}

const linesOf = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+/g) ?? [];
const range = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;

interface Edit {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** Longest common subsequence of the lines between the common ends. */
function editsOf(a: readonly string[], b: readonly string[]): readonly Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const same = (lines: readonly string[]): readonly Edit[] => lines.map((line) => ({ sign: " ", line }));
  return [...same(a.slice(0, head)), ...between(left, right), ...same(a.slice(a.length - tail))];
}

/** Lines of a middle part that are compared with each other; a larger one is shown as gone and come. */
const COMPARED = 2_000;

function between(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const gone = a.map((line): Edit => ({ sign: "-", line }));
  const come = b.map((line): Edit => ({ sign: "+", line }));
  if (a.length === 0 || b.length === 0 || a.length > COMPARED || b.length > COMPARED)
    return [...gone, ...come];
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      edits.push({ sign: " ", line: a[i]! });
      [i, j] = [i + 1, j + 1];
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) edits.push(gone[i++]!);
    else edits.push(come[j++]!);
  }
  return [...edits, ...gone.slice(i), ...come.slice(j)];
}
