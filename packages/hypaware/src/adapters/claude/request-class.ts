import type { RequestClass } from "../../contract/plugin.ts";
import { type MessagesRequest, textsOfBlocks } from "../../protocols/anthropic/request.ts";
import { asObject } from "../../protocols/loose.ts";
import type { Caller } from "./caller.ts";

const COMPACTION_PROMPT = "CRITICAL: Respond with TEXT ONLY";
const COMPACT_SUMMARY = "This session is being continued from a previous conversation";
/** What the client's own header may say. */
const SAID = new Map<string, RequestClass>([
  ["main", "main"],
  ["subagent", "subagent"],
  ["compaction", "compaction"],
]);

/** Of a request for an answer. */
export function requestClass(caller: Caller, request: MessagesRequest): RequestClass {
  // The client's header has no word for it, so it cannot deny it.
  if (asksForTitle(request)) return "title";
  const said = SAID.get(caller.requestClass ?? "");
  if (said !== undefined) return said;
  if (lastUserTexts(request).some((text) => text.startsWith(COMPACTION_PROMPT))) return "compaction";
  return caller.agentId === undefined ? "main" : "subagent";
}

/** The text that stands for a history that was compacted. */
export function isCompactSummary(role: string, texts: readonly string[]): boolean {
  return role === "user" && texts.some((text) => text.startsWith(COMPACT_SUMMARY));
}

/** No tools, an answer of the form `{title}`, and the prompt inside `<session>`. */
function asksForTitle(request: MessagesRequest): boolean {
  if (Array.isArray(request.tools) && request.tools.length > 0) return false;
  const format = asObject(asObject(request.settings["output_config"])?.["format"]);
  const properties = asObject(asObject(format?.["schema"])?.["properties"]);
  return (
    format?.["type"] === "json_schema" &&
    properties?.["title"] !== undefined &&
    lastUserTexts(request).some((text) => text.includes("<session>"))
  );
}

function lastUserTexts(request: MessagesRequest): readonly string[] {
  return textsOfBlocks(request.messages.findLast(({ role }) => role === "user")?.blocks ?? []);
}
