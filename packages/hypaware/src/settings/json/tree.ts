import { type Node, type ParseError, getNodeValue, parseTree, printParseErrorCode } from "jsonc-parser";
import { HypError } from "../../contract/errors.ts";
import type { Json, JsonObject } from "../../contract/plugin.ts";

export type { Node };

const BOM = "\uFEFF";

/** Where the JSON begins: an editor on Windows leaves a mark before it. */
export const bodyOf = (text: string): string => (text.startsWith(BOM) ? ` ${text.slice(1)}` : text);

/** The root of an object with or without comments; places are those of the text. `isStrict`: its client takes no comments. */
export function parseRoot(text: string, isStrict: boolean): Node {
  const body = bodyOf(text);
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(body, errors, { allowTrailingComma: true });
  } catch (error) {
    // It calls itself for each level.
    throw new HypError("MALFORMED_JSON", "is nested too deeply", { cause: error });
  }
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const at =
      first === undefined || body.trim() === ""
        ? "it is empty"
        : `${placeOf(body, first.offset)}: ${nameOf(first)}`;
    throw new HypError("MALFORMED_JSON", `is not valid JSON (${at})`);
  }
  if (root.type !== "object") throw new HypError("NOT_AN_OBJECT", `holds a JSON ${root.type}, not an object`);
  if (isStrict && !isPlainJson(body))
    throw new HypError("JSONC", "has comments or a comma too many, and then its client reads none of it");
  return root;
}

function isPlainJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

const nameOf = ({ error }: ParseError): string =>
  printParseErrorCode(error)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();

/** As the client would read it: of members of one name the last. */
export function valueOf(node: Node): Json {
  // The library's own objects have no prototype, and are equal to none of ours.
  return JSON.parse(JSON.stringify(getNodeValue(node))) as Json;
}

export const objectOf = (root: Node): JsonObject => valueOf(root) as JsonObject;

/** The member (name and value) of an object. */
export function memberOf(object: Node | undefined, name: string): Node | undefined {
  if (object?.type !== "object") return undefined;
  return object.children?.findLast(({ children }) => children?.[0]?.value === name);
}

/** The value at the path. */
export function nodeAt(root: Node, path: readonly string[]): Node | undefined {
  let at: Node | undefined = root;
  for (const name of path)
    at = at?.type === "array" ? at.children?.[Number(name)] : memberOf(at, name)?.children?.[1];
  return at;
}

export const endOf = ({ offset, length }: Node): number => offset + length;
