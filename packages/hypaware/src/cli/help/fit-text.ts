const COLUMNS = /^( *)(\S(?:.*?\S)?)( {2,})(\S.*)$/;
const COMMAND = /^ +(?:\w+=\S+ )*(?:npx )?hyp\b/;
const PARAGRAPH_INDENT = 2;
const ITEM_INDENT = 4;
/** Fewer columns of text beside its term are worse to read than text below it. */
const MIN_BESIDE = 24;

/**
 * Help texts for a terminal of `width` columns: what is longer goes on in the next line, below its own beginning. Two columns stay
 * side by side while there is room. A command line is never broken, so that it can be copied.
 */
export function fitText(text: string, width: number): string {
  return text
    .split("\n")
    .flatMap((line) => (line.length <= width ? [line] : fitLine(line, width)))
    .join("\n");
}

function fitLine(line: string, width: number): readonly string[] {
  const [, indent = "", term = "", gap = "", description = ""] = COLUMNS.exec(line) ?? [];
  if (description !== "") {
    const column = indent.length + term.length + gap.length;
    if (width - column >= MIN_BESIDE) {
      const [first = "", ...rest] = wrapped(description, width - column);
      return [`${indent}${term}${gap}${first}`, ...rest.map((part) => " ".repeat(column) + part)];
    }
    const below = indent.length + ITEM_INDENT;
    const head = COMMAND.test(line) ? [indent + term] : fitPlain(indent + term, width);
    return [...head, ...wrapped(description, width - below).map((part) => " ".repeat(below) + part)];
  }
  return COMMAND.test(line) ? [line] : fitPlain(line, width);
}

function fitPlain(line: string, width: number): readonly string[] {
  const text = line.trimStart();
  const indent = line.length - text.length;
  const hanging = indent === 0 ? 0 : indent + PARAGRAPH_INDENT;
  const [first = "", ...rest] = wrapped(text, width - hanging);
  return [" ".repeat(indent) + first, ...rest.map((part) => " ".repeat(hanging) + part)];
}

/** A word that is longer than the width keeps a line of its own. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
