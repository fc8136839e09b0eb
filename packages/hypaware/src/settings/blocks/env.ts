import { HypError } from "../../contract/errors.ts";
import { type Dialect, withoutBom } from "./dialect.ts";

/** As the library `dotenv` reads it, which clients use: quoted values may have many lines, the last of a name counts. */
const ASSIGNMENT =
  /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

export const env: Dialect = {
  parse(text) {
    if (text.includes("\0")) throw new HypError("MALFORMED_ENV", "is not a file of NAME=value lines");
    const found = withoutBom(text).replaceAll(/\r\n?/g, "\n").matchAll(ASSIGNMENT);
    return Object.fromEntries(
      [...found].map(([, name = "", value = ""]) => [
        name,
        value.trim().replace(/^(['"`])([\s\S]*)\1$/, "$2"),
      ]),
    );
  },
  assignment: (name, value) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  assigns: (line, name) => new RegExp(String.raw`^\s*(?:export\s+)?${name}\s*[=:]`).test(line),
};
