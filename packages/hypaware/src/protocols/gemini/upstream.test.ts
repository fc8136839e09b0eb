import { describe, expect, test } from "vitest";
import { buildRoutes } from "../../gateway/router.ts";
import { chatgptPreset } from "../../adapters/codex/preset.ts";
import { codeAssistPreset } from "../../adapters/gemini/preset.ts";
import { anthropicPreset } from "../anthropic/upstream.ts";
import { openaiPreset } from "../openai-upstream.ts";
import { geminiPreset } from "./upstream.ts";

const PRESETS = [anthropicPreset, openaiPreset, chatgptPreset, codeAssistPreset, geminiPreset];
const KEY = "AIzaFakeKey000000000000000000000000000";
const PATHS = [
  "/v1beta/models/gemini-pro:generateContent",
  "/v1beta/models",
  "/v1/models",
  "/v1/models/gemini-pro",
  "/v1/files",
  "/v1/chat/completions",
  "/backend-api/anything",
  "/",
];
const SIGN_INS: Readonly<Record<string, { headers?: Readonly<Record<string, string[]>>; query?: string }>> = {
  "an API key": { headers: { "x-goog-api-key": [KEY] } },
  "an API key of another shape": { headers: { "x-goog-api-key": ["anything"] } },
  "an API key in the query": { query: `alt=sse&key=${KEY}` },
  "a newer API key in the query": { query: "key=AQ.Ab8R-0" },
  "an API key as bearer": { headers: { authorization: [`Bearer ${KEY}`] } },
  "an OAuth token": { headers: { authorization: ["bearer ya29.a0-0"] } },
  "Google's own library": { headers: { "x-goog-api-client": ["google-genai-sdk/1.30.0"] } },
  "the client with a bearer token": {
    headers: {
      authorization: ["Bearer abc"],
      "user-agent": ["GeminiCLI-tui/0.61.0/m (linux; x64; terminal)"],
    },
  },
  "the client inside an editor": {
    headers: { "user-agent": ["CloudCodeVSCode/0.61.0 (aidev_client; proxy_client=geminicli)"] },
  },
};

describe.each([
  ["the default table", buildRoutes({ presets: PRESETS, upstreams: [] })],
  [
    "a table with {name, base_url} of one's own",
    buildRoutes({
      presets: PRESETS,
      upstreams: [
        { name: "other", base_url: "https://other.example", path_prefix: "/" },
        { name: "gemini", base_url: "https://proxy.example" },
      ],
    }),
  ],
])("by %s", (_, table) => {
  const upstream = (path: string, headers = {}, query = "", method = "POST"): string | undefined =>
    table.route({ method, path, headers, query }).route?.name;

  test.each(Object.entries(SIGN_INS))(
    "%s reaches no other upstream, whatever the path",
    (_, { headers, query }) => {
      for (const path of PATHS) expect(upstream(path, headers, query), path).toBe("gemini");
      expect(upstream("/v1internal:loadCodeAssist", headers, query)).toBe("code-assist");
    },
  );

  test("the paths of the API need no sign-in", () => {
    for (const verb of ["generateContent", "streamGenerateContent", "countTokens", "batchEmbedContents"]) {
      expect(upstream(`/v1beta/models/m:${verb}`), verb).toBe("gemini");
      expect(upstream(`/v1/models/m:${verb}`), verb).toBe("gemini");
    }
    expect(upstream("/v1alpha/tunedModels/m:generateContent")).toBe("gemini");
    expect(upstream("/upload/v1beta/files")).toBe("gemini");
    expect(upstream("/v1internal:streamGenerateContent")).toBe("code-assist");
    expect(upstream("/v1internal/operations/1")).toBe("code-assist");
  });

  test("what carries another provider's credential stays away", () => {
    const anthropic = { "x-api-key": ["sk-ant-api03-0"], "anthropic-version": ["2023-06-01"] };
    expect(upstream("/v1/messages", anthropic)).toBe("anthropic");
    const openai = { authorization: ["Bearer sk-proj-0"] };
    for (const path of ["/v1/responses", "/v1/models", "/v1/models/ft:gpt:org::id", "/v1/models/m:other"]) {
      expect(["openai", "other"], path).toContain(upstream(path, openai, "", "GET"));
    }
    expect(upstream("/v1betamax", openai)).not.toBe("gemini");
    expect(upstream("/mine", {}, "key=of-another-api")).not.toBe("gemini");
    expect(upstream("/mine", {}, `note=key=${KEY}`)).not.toBe("gemini");
  });
});
