import { asObject, asText, parseJson } from "../../protocols/loose.ts";

/** Lower-case name → first value. Credentials in it are redacted. */
export type RecordedHeaders = ReadonlyMap<string, string>;

/** Reads the headers of an exchange record: JSON text of name → value or list of values. */
export function recordedHeaders(json: string | null): RecordedHeaders {
  const entries = Object.entries(asObject(parseJson(json)) ?? {}).flatMap(([name, value]) => {
    const text = asText(Array.isArray(value) ? value[0] : value);
    return text === undefined ? [] : [[name, text] as const];
  });
  return new Map(entries);
}
