// JSON.parse says where an error is in some cases only. This finds the place of the first token that cannot stand there.

const TOKEN =
  /[\t\n\r ]*(?:([{}[\],:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))?/y;

/** Line and column (both from 1) in a text that JSON.parse refused, and what should stand there. */
export function jsonErrorPlace(text: string): { line: number; column: number; expected: string } {
  const open: string[] = [];
  const afterValue = (): string => (open.length === 0 ? "the end" : `"," or "${open.at(-1)}"`);
  let expected = "a value";
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const [all = "", sign, string] = TOKEN.exec(text) ?? [];
    const end = at + all.length;
    const isScalar = sign === undefined && all.trim() !== "";
    const canOpen = expected.startsWith("a value");
    if (canOpen && (sign === "{" || sign === "[")) {
      open.push(sign === "{" ? "}" : "]");
      expected = sign === "{" ? 'a key or "}"' : 'a value or "]"';
    } else if (canOpen && isScalar) expected = afterValue();
    else if (expected.startsWith("a key") && string !== undefined) expected = '":"';
    else if (expected === '":"' && sign === ":") expected = "a value";
    else if (sign !== undefined && sign === open.at(-1) && expected.endsWith(`or "${sign}"`)) {
      open.pop();
      expected = afterValue();
    } else if (sign === "," && expected.startsWith('","'))
      expected = open.at(-1) === "}" ? "a key" : "a value";
    else {
      at += all.length - all.trimStart().length;
      break;
    }
    at = end;
  }
  const before = text.slice(0, at).split(/\r\n|\n|\r/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, expected };
}
