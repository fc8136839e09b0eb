/** Reasons of the provider that have a common word. The others stay as they are. */
const COMMON = new Map([
  ["STOP", "end_turn"],
  ["MAX_TOKENS", "max_tokens"],
  ...[
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
  ].map((reason) => [reason, "refusal"] as const),
]);

/** The word that other providers' messages have for it; the exchange keeps the provider's own. */
export function commonStopReason(reason: string): string {
  return COMMON.get(reason) ?? reason;
}
