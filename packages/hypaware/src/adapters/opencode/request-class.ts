import type { ContentBlock, ProjectedMessage, RequestClass } from "../../contract/plugin.ts";
import type { Call } from "../../protocols/call.ts";
import { asText } from "../../protocols/loose.ts";
import type { Caller } from "./caller.ts";

const TITLE_PROMPT = "Generate a title for this conversation:";
const COMPACTION_PROMPT = "Here is the conversation so far:\n\n<conversation>";

/** Of a request for an answer. */
export function requestClass({ parentSessionId }: Caller, call: Call): RequestClass {
  const hasTools = Array.isArray(call.tools) && call.tools.length > 0;
  const asked = call.messages.find(({ role }) => role === "user");
  const said = hasTools ? "" : textOf(asked);
  if (said.startsWith(TITLE_PROMPT)) return "title";
  if (said.startsWith(COMPACTION_PROMPT)) return "compaction";
  return parentSessionId === undefined ? "main" : "subagent";
}

function textOf(message: ProjectedMessage | undefined): string {
  const content = message?.content ?? "";
  if (typeof content === "string") return content;
  return content.map((block: ContentBlock) => asText(block["text"]) ?? "").join("\n");
}
