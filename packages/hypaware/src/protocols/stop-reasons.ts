import { commonStopReason as commonOfGemini } from "./gemini/stop-reason.ts";
import { commonStopReason } from "./openai-stop-reason.ts";

/** What messages of the protocols may call the provider's reason for the end of an answer. */
export function stopReasons(reason: string): readonly string[] {
  return [reason, commonStopReason(reason), commonOfGemini(reason)];
}
