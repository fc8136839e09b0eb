export type Environment = Readonly<Record<string, string | undefined>>;

export const BASE_URL = "ANTHROPIC_BASE_URL";

/** What was measured of the rest, per version (flow `claude_code_features`). */
export const UNCHANGED =
  "context window and compaction are what they are without a gateway (measured with 2.1.197 and 2.1.330: 1,000,000 tokens)";

/**
 * What Claude Code leaves out against a base URL that is not Anthropic's own, although nothing is lost on our way: deferred
 * tools, and the headers made for gateways (request class, prompt id).
 */
export const FEATURES = [
  {
    name: "ENABLE_TOOL_SEARCH",
    value: "true",
    flag: "tool-search",
    why: "tools are searched for, not all sent with each request (2.1.197: 34.6 KB of tools instead of 62.9; 2.1.330 does so by itself)",
    loss: "tool search is off, and all tools are sent with each request",
  },
  {
    name: "CLAUDE_CODE_GATEWAY_HINT_HEADERS",
    value: "1",
    flag: "hint-headers",
    why: "requests say their class and prompt",
    loss: "requests do not say their class and prompt, so fewer messages are linked",
  },
] as const;
