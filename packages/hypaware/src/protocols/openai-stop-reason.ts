/** In the words of a message's `stop_reason`, of which not all providers' have their own. The others stay as they are. */
const REASONS: Readonly<Record<string, string>> = {
  completed: "end_turn",
  max_output_tokens: "max_tokens",
  failed: "error",
  content_filter: "refusal",
  tool_calls: "tool_use",
  function_call: "tool_use",
};

/** Why an answer ended: as its API says it, in common words. */
export function commonStopReason(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason]! : reason;
}
