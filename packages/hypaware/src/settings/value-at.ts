import type { Json, JsonObject } from "../contract/plugin.ts";
import { isObject } from "./is-object.ts";

/** What stands at the path, as far as objects lead. */
export function valueAt(values: JsonObject, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((value, name) => (isObject(value) ? value[name] : undefined), values);
}
