import type { ContentBlock } from "../../contract/plugin.ts";
import { asName } from "../../protocols/loose.ts";

/** The id by which the client pairs a call and its output. Records of older versions have no other for their items. */
export function callLinks(block: ContentBlock | undefined): readonly string[] {
  const callId = asName(block?.["call_id"]);
  if (callId === undefined) return [];
  return [`${asName(block?.["type"])?.endsWith("_output") === true ? "result" : "call"}:${callId}`];
}
