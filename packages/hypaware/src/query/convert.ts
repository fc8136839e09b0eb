import {
  DuckDBArrayValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  DuckDBUnionValue,
} from "@duckdb/node-api";
import type { DuckDBResultReader, DuckDBType, DuckDBValue } from "@duckdb/node-api";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { cellToJson, JsonText } from "./cell.ts";
import type { Cell } from "./cell.ts";

/** Shorter texts are not worth looking up. */
const SHARED_FROM = 1024;
const CELL_BYTES = 16;

const ROW_BYTES = 64;

/**
 * From the engine's values to ours, for one result: long texts that repeat are kept once, and all together are bounded by
 * `LIMITS.queryResultBytes`. Throws HypError `query_failed` over it.
 */
export class CellReader {
  readonly #texts = new Map<string, string>();
  #bytes = 0;

  /** Before a long result is read: refuses what could not be held. */
  expect(rows: number, columns: number): void {
    this.#count(rows * (ROW_BYTES + columns * CELL_BYTES), null);
    this.#bytes = 0;
  }

  /** The reader has read all. */
  rows(reader: DuckDBResultReader): Cell[][] {
    const types = reader.columnTypes(); // the chunks' own types have lost the name JSON
    return reader.getRows().map((row) => row.map((value, i) => this.#convert(value, types[i]!)));
  }

  #text(text: string): string {
    if (text.length < SHARED_FROM) return this.#count(text.length, text);
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return this.#count(text.length, text);
  }

  #count<T>(bytes: number, value: T): T {
    this.#bytes += bytes + CELL_BYTES;
    if (this.#bytes > LIMITS.queryResultBytes)
      throw new HypError(
        "query_failed",
        `The result is larger than ${LIMITS.queryResultBytes / 2 ** 20} MB.`,
        {
          next: "Select fewer columns or rows, or aggregate.",
        },
      );
    return value;
  }

  #convert(value: DuckDBValue, type: DuckDBType): Cell {
    if (typeof value === "string")
      return type.alias === "JSON" ? new JsonText(this.#text(value)) : this.#text(value);
    if (value === null || typeof value !== "object") return this.#count(0, value);
    return this.#convertObject(value, type);
  }

  #convertObject(value: DuckDBValue & object, type: DuckDBType): Cell {
    if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
      return this.#text(iso(value.isFinite ? value.micros : undefined, 1000n, value));
    if (value instanceof DuckDBTimestampMillisecondsValue) return this.#text(iso(value.millis, 1n, value));
    if (value instanceof DuckDBTimestampNanosecondsValue)
      return this.#text(iso(value.nanos, 1_000_000n, value));
    if (value instanceof DuckDBTimestampSecondsValue)
      return this.#text(iso(value.seconds * 1000n, 1n, value));
    if (value instanceof DuckDBDecimalValue) return this.#count(CELL_BYTES, decimal(value.toString()));
    if (value instanceof DuckDBListValue && type.typeId === DuckDBTypeId.LIST)
      return value.items.map((item) => this.#convert(item, type.valueType));
    if (value instanceof DuckDBArrayValue && type.typeId === DuckDBTypeId.ARRAY)
      return value.items.map((item) => this.#convert(item, type.valueType));
    if (value instanceof DuckDBStructValue && type.typeId === DuckDBTypeId.STRUCT)
      return Object.fromEntries(
        type.entryNames.map((name, i) => [
          name,
          this.#convert(value.entries[name] ?? null, type.entryTypes[i]!),
        ]),
      );
    if (value instanceof DuckDBMapValue && type.typeId === DuckDBTypeId.MAP)
      return Object.fromEntries(
        value.entries.map((entry) => [
          keyText(this.#convert(entry.key, type.keyType)),
          this.#convert(entry.value, type.valueType),
        ]),
      );
    if (value instanceof DuckDBUnionValue && type.typeId === DuckDBTypeId.UNION)
      return this.#convert(value.value, type.memberTypeForTag(value.tag));
    return this.#text(value.toString());
  }
}

const keyText = (key: Cell): string => (typeof key === "string" ? key : cellToJson(key));

/** A number where it is exactly the decimal, else its digits. */
function decimal(text: string): number | string {
  const number = Number(text);
  const digits = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return String(number) === digits ? number : text;
}

const MAX_DATE_MS = 8_640_000_000_000_000n;

/** `units` per millisecond; digits below the millisecond are kept where there are any. */
function iso(time: bigint | undefined, units: bigint, original: DuckDBValue): string {
  if (time === undefined) return String(original);
  const rest = ((time % units) + units) % units;
  const milliseconds = (time - rest) / units;
  if (milliseconds > MAX_DATE_MS || milliseconds < -MAX_DATE_MS) return String(original);
  const text = new Date(Number(milliseconds)).toISOString();
  if (rest === 0n) return text;
  const digits = String(rest).padStart(String(units).length - 1, "0");
  return `${text.slice(0, -1)}${digits}Z`;
}
