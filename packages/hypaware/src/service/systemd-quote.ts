import { HypError } from "../contract/errors.ts";

// How words stand in a unit file (systemd.syntax(7), systemd.service(5) "COMMAND LINES"). `%` begins a specifier everywhere;
// `$` begins a variable in the arguments of a command, but not in its program and not in Environment=.

/** A word of Environment=, or the program of a command. */
export function quoteWord(word: string): string {
  const escaped = specifierless(word).replace(/[\\"]/g, String.raw`\$&`);
  return `"${escaped.replaceAll("\n", String.raw`\n`).replaceAll("\t", String.raw`\t`)}"`;
}

/** What `quoteWord` was given. */
export function unquoteWord(quoted: string): string {
  const inner = quoted.replace(/^"|"$/g, "").replaceAll("%%", "%");
  return inner.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c === "t" ? "\t" : c));
}

/** Program and arguments of ExecStart=. */
export function quoteCommand([program = "", ...args]: readonly string[]): string {
  return [quoteWord(program), ...args.map((word) => quoteWord(word.replaceAll("$", () => "$$")))].join(" ");
}

/** A path where systemd takes the rest of the line as it is. */
export function plainPath(path: string): string {
  // It would end the setting or go on in the next line, and there is no way to write it otherwise.
  if (/[\n\r]|\\$|^\s|\s$/.test(path))
    throw new HypError("usage", `A path that a unit file cannot hold: ${JSON.stringify(path)}`);
  return specifierless(path);
}

const specifierless = (text: string): string => text.replaceAll("%", "%%");
