// What every projector reads of an exchange record before it looks at the bodies.
import type { ExchangeRecord } from "../contract/exchange.ts";
import type { JsonObject } from "../contract/projection.ts";
import { requestJson } from "../wire/record-bodies.ts";
import { remembered } from "../wire/remembered.ts";
import { asObject, asText, parseJson } from "./loose.ts";

/** Lower-case name → first value. Credentials in it are redacted. */
export type RecordedHeaders = ReadonlyMap<string, string>;

const headersIn = remembered((json): RecordedHeaders => {
  const entries = Object.entries(asObject(parseJson(json)) ?? {}).flatMap(([name, value]) => {
    const text = asText(Array.isArray(value) ? value[0] : value);
    return text === undefined ? [] : [[name, text] as const];
  });
  return new Map(entries);
});

/** Reads the headers of an exchange record: JSON text of name → value or list of values. */
export function recordedHeaders(json: string | null): RecordedHeaders {
  return json === null ? new Map() : headersIn(json);
}

/** The request's body; `undefined` when it is not a JSON object. Shared between records: not to be changed. */
export function requestObject(record: Pick<ExchangeRecord, "request_body">): JsonObject | undefined {
  return asObject(requestJson(record));
}

/** A request target without its query. */
export function pathOf(target: string | null): string {
  return (target ?? "").replace(/[?#].*$/s, "");
}

/** ISO 8601, so long after the exchange's start. */
export function timeAfter({ ts_start: start }: ExchangeRecord, ms: number): string | undefined {
  const date = new Date(Date.parse(start) + ms);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
