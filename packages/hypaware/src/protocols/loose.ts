// Reading JSON that someone else wrote: anything may be missing or of another type. Only the members that are asked for are looked
// at, so depth costs nothing.
import type { Json, JsonObject } from "../contract/projection.ts";

/** `undefined` for what is not JSON. */
export function parseJson(text: string | null): Json | undefined {
  if (text === null) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

export function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === "object" && value !== null && !isList(value) ? value : undefined;
}

/** The objects of a list; nothing when it is no list. */
export function asObjects(value: Json | undefined): readonly JsonObject[] {
  return isList(value) ? value.map(asObject).filter((item) => item !== undefined) : [];
}

export function asText(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** As asText, without the empty one. */
export function asName(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function asNumber(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The named members that are there and not null. */
export function present(object: JsonObject | undefined, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = object === undefined || !Object.hasOwn(object, name) ? undefined : object[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}

/** An object without the members that are undefined, as optional properties demand. */
export function known<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Array.isArray does not narrow readonly arrays. */
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
