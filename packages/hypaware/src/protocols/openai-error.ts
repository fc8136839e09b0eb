import type { Json, JsonObject } from "../contract/projection.ts";
import { asName, asObject, asText } from "./loose.ts";

/** `type: message` of `{error: {message, type, code}}`, or of an event `{type: "error", message, code}`; undefined for neither. */
export function readError(value: JsonObject): string | undefined {
  const { error } = value;
  if ((error ?? undefined) !== undefined) return describe(error);
  return value["type"] === "error" ? describe(value) : undefined;
}

function describe(error: Json | undefined): string {
  const object = asObject(error);
  const type = [object?.["type"], object?.["code"]]
    .map(asName)
    .find((name) => name !== "error" && name !== undefined);
  const parts = [type, asName(object?.["message"]) ?? asText(error)].filter((part) => part !== undefined);
  return parts.length === 0 ? "error" : parts.join(": ");
}
