import { parse } from "smol-toml";
import { HypError } from "../../contract/errors.ts";
import type { Json, JsonObject } from "../../contract/plugin.ts";
import { type Dialect, withoutBom } from "./dialect.ts";

export const toml: Dialect = {
  parse(text) {
    try {
      return parse(withoutBom(text)) as JsonObject;
    } catch (error) {
      const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
      throw new HypError("MALFORMED_TOML", `is not valid TOML (${reason})`, { cause: error });
    }
  },
  // Basic strings, numbers and truth values are written as in JSON.
  assignment: (name, value: Json) => `${name} = ${JSON.stringify(value)}`,
  header: (path) => `[${path.join(".")}]`,
  assigns: (line, name) => new RegExp(String.raw`^\s*(["']?)${name}\1\s*=`).test(line),
};
