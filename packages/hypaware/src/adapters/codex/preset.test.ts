import { expect, test } from "vitest";
import { buildRoutes } from "../../gateway/router.ts";
import { openaiPreset } from "../../protocols/openai-upstream.ts";
import { chatgptPreset } from "./preset.ts";

test("the API goes to one upstream, all of the signed-in backend to the other", () => {
  const table = buildRoutes({ presets: [openaiPreset, chatgptPreset], upstreams: [] });
  const upstream = (path: string): string | undefined =>
    table.route({ method: "POST", path, headers: {} }).route?.name;
  expect(upstream("/v1/responses")).toBe("openai");
  expect(upstream("/v1/chat/completions")).toBe("openai");
  for (const path of ["codex/responses", "codex/models", "wham/accounts/check", "ps/mcp"]) {
    expect(upstream(`/backend-api/${path}`), path).toBe("chatgpt");
  }
  expect(upstream("/v2/responses")).toBeUndefined();
});
