import type { Json, JsonObject } from "../../contract/projection.ts";

/** By a name of ours, of which there are a few dozen. */
const snakeNames = new Map<string, string>();

/** A member of a request by its name in camel case. The API reads snake case as well, and its manual writes it. */
export function member(object: JsonObject | undefined, name: string): Json | undefined {
  return object?.[name] ?? object?.[snakeCase(name)] ?? undefined;
}

export function snakeCase(name: string): string {
  const known = snakeNames.get(name);
  if (known !== undefined) return known;
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snakeNames.set(name, snake);
  return snake;
}
