/** The exact text of a JSON value. Kept as text, so that no number is rounded and no key lost on the way through. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get value(): unknown {
    return JSON.parse(this.text);
  }

  toJSON(): unknown {
    return this.value;
  }
}

/** One value of a result. Times, dates, intervals, UUIDs and bytes are text: times ISO 8601 in UTC. */
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | JsonText
  | readonly Cell[]
  | { readonly [key: string]: Cell };

export interface QueryResult {
  /** `type` as the engine names it. Names may repeat. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
}

// Valid inside JSON strings only, where \u escapes mean the same: what a terminal could take for a command.
const TERMINAL_CONTROLS = /[\u007f-\u009f\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/gu;

/**
 * A cell as JSON, on one line. Integers that a JSON reader would round are strings, as are numbers that JSON has not.
 */
export function cellToJson(cell: Cell): string {
  return write(cell).replace(TERMINAL_CONTROLS, escapeUnits);
}

function write(cell: Cell): string {
  if (cell === null) return "null";
  switch (typeof cell) {
    case "number":
      return Number.isFinite(cell) ? JSON.stringify(cell) : `"${cell}"`;
    case "bigint":
      return Number.isSafeInteger(Number(cell)) ? `${cell}` : `"${cell}"`;
    case "boolean":
    case "string":
      return JSON.stringify(cell);
    default:
      if (cell instanceof JsonText) return cell.text.replace(/[\r\n]/g, " "); // white space there, never in a string
      if (Array.isArray(cell)) return `[${cell.map(write).join(",")}]`;
      return `{${Object.entries(cell)
        .map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`)
        .join(",")}}`;
  }
}

/** `\uXXXX` for each UTF-16 unit. */
export function escapeUnits(text: string): string {
  return Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}
