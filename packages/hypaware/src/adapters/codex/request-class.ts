import type { RequestClass } from "../../contract/plugin.ts";
import type { Codex } from "./caller.ts";

const SUMMARY = "Another language model started to solve this problem and produced a summary";

/** Of a request for an answer. */
export function requestClass(codex: Codex): RequestClass {
  if (codex.requestKind === "compaction" || codex.subagent === "compact") return "compaction";
  if (codex.threadSource === "thread_title") return "title";
  return isSubagent(codex) ? "subagent" : "main";
}

/** A thread that another thread began, a review's too. */
export function isSubagent({ threadSource, subagent, parentThreadId }: Codex): boolean {
  return threadSource === "subagent" || subagent !== undefined || parentThreadId !== undefined;
}

/** The text that stands for a history that was compacted. */
export function isCompactSummary(role: string, text: string): boolean {
  return role === "user" && text.startsWith(SUMMARY);
}
