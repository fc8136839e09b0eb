import type { Json } from "../contract/projection.ts";
import { asName, asObjects, asText } from "./loose.ts";

/** What servers take as `system` beside a request's messages or items. */
export function openaiSystem(system: Json | undefined): string | undefined {
  const texts = asObjects(system).flatMap((block) => asText(block["text"]) ?? []);
  return asName(system) ?? (texts.length === 0 ? undefined : texts.join("\n"));
}
