export type Environment = Readonly<Record<string, string | undefined>>;

export const BASE_URL = "ANTHROPIC_BASE_URL";

/**
 * What Claude Code leaves out against a base URL that is not Anthropic's own, although nothing is lost on our way: deferred
 * tools, and the headers made for gateways (request class, prompt id).
 */
export const FEATURES = [
  {
    name: "ENABLE_TOOL_SEARCH",
    value: "true",
    flag: "tool-search",
    why: "tools are searched for, not all sent with each request",
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
