import { expect, test } from "vitest";
import { claudeLaunch } from "./client.ts";

const endpoint = "http://127.0.0.1:18521/k/claude-0";

test("it is started with the gateway's address and with what its features need", () => {
  expect(claudeLaunch({})({ endpoint, args: ["-p", "hi"] })).toEqual({
    command: "claude",
    args: ["-p", "hi"],
    env: {
      ANTHROPIC_BASE_URL: endpoint,
      ENABLE_TOOL_SEARCH: "true",
      CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1",
    },
  });
});

test("what the person set stays, but for the address", () => {
  const env = {
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
    ENABLE_TOOL_SEARCH: "",
    CLAUDE_CODE_GATEWAY_HINT_HEADERS: "0",
    HYP_CLAUDE_BIN: "/opt/claude-next",
  };
  expect(claudeLaunch(env)({ endpoint, args: [] })).toEqual({
    command: "/opt/claude-next",
    args: [],
    env: { ANTHROPIC_BASE_URL: endpoint },
  });
});
