import { describe, expect, test } from "vitest";
import { buildRoutes } from "../../gateway/router.ts";
import { chatgptPreset } from "../../adapters/codex/preset.ts";
import { openaiPreset } from "../openai-upstream.ts";
import { anthropicPreset } from "./upstream.ts";

const PRESETS = [openaiPreset, chatgptPreset, anthropicPreset];
const PATHS = [
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/messages/batches",
  "/v1/models",
  "/v1/models/some-model",
  "/v1/files",
  "/api/oauth/usage",
  "/backend-api/anything",
  "/",
];
const SIGN_INS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "an API key": { "x-api-key": ["sk-ant-api03-0"], "anthropic-version": ["2023-06-01"] },
  "an API key alone": { "x-api-key": ["sk-ant-api03-0"] },
  "a bearer token of a gateway": { authorization: ["Bearer abc"], "anthropic-version": ["2023-06-01"] },
  "an OAuth token": { authorization: ["Bearer sk-ant-oat01-0"], "anthropic-beta": ["oauth-2025-04-20"] },
  "an OAuth token alone": { authorization: ["bearer  sk-ant-oat01-0"] },
  "a client that names itself": { authorization: ["Bearer abc"], "user-agent": ["claude-code/2.1.330"] },
};

describe.each([
  ["the default table", buildRoutes({ presets: PRESETS, upstreams: [] })],
  [
    "a table with {name, base_url} of one's own",
    buildRoutes({
      presets: PRESETS,
      upstreams: [
        { name: "other", base_url: "https://other.example", path_prefix: "/" },
        { name: "anthropic", base_url: "https://proxy.example" },
      ],
    }),
  ],
])("by %s", (_, table) => {
  const upstream = (method: string, path: string, headers = {}): string | undefined =>
    table.route({ method, path, headers }).route?.name;

  test.each(Object.entries(SIGN_INS))("%s reaches no other upstream, whatever the path", (_, headers) => {
    for (const path of PATHS) expect(upstream("POST", path, headers), path).toBe("anthropic");
  });

  test("the paths of the API need no sign-in", () => {
    expect(upstream("POST", "/v1/messages")).toBe("anthropic");
    expect(upstream("GET", "/v1/messages/batches/1")).toBe("anthropic");
  });

  test("a starting client's keyless probes are answered, and nothing else at their paths", () => {
    expect(upstream("HEAD", "/")).toBe("anthropic");
    expect(upstream("HEAD", "/api/hello")).toBe("anthropic");
    expect(upstream("GET", "/")).not.toBe("anthropic");
    expect(upstream("HEAD", "/elsewhere")).not.toBe("anthropic");
  });

  test("what carries another provider's credential stays away", () => {
    const bearer = { authorization: ["Bearer sk-proj-0"] };
    expect(upstream("POST", "/v1/responses", bearer)).not.toBe("anthropic");
    expect(upstream("GET", "/v1/models", bearer)).not.toBe("anthropic");
    expect(upstream("GET", "/v1/messagesque", bearer)).not.toBe("anthropic");
    expect(upstream("GET", "/backend-api/wham/accounts/check", bearer)).not.toBe("anthropic");
  });
});
