import { expect, test } from "vitest";
import { exchange, project } from "./fixtures.testkit.ts";
import { codexProjector } from "./projector.ts";

const matches = (path: string, parts: Parameters<typeof exchange>[0] = {}): boolean =>
  codexProjector.match(exchange({ path, ...parts }));
const elsewhere = { upstream: "other", provider: null } as const;

test.each([
  "/v1/chat/completions",
  "/chat/completions",
  "/openai/deployments/m/chat/completions?api-version=1",
  "/v1/chat/completions/chatcmpl-1",
  "/v1/responses",
  "/v1/responses?x=1",
  "/responses",
  "/proxy/v1/responses",
  "/v1/responses/resp_1/cancel",
  "/v1/responses/compact",
  "/backend-api/codex/responses",
  "/backend-api/codex/models?client_version=0.169.0",
  "/backend-api/codex",
  "/backend-api/wham/accounts/check",
])("%s is OpenAI's, whatever the upstream is called", (path) => {
  expect(matches(path, elsewhere)).toBe(true);
});

test("a list of models is taken only where it is OpenAI's", () => {
  expect(matches("/v1/models")).toBe(true);
  expect(matches("/v1/models/gpt-5?x=1")).toBe(true);
  expect(matches("/v1/models", { upstream: "mine", provider: "openai" })).toBe(true);
  expect(matches("/v1/models", { upstream: "anthropic", provider: "anthropic" })).toBe(false);
});

test("Codex's own header is enough on any path", () => {
  const headers = { "x-codex-turn-metadata": '{"thread_id":"t"}' };
  expect(matches("/somewhere", { ...elsewhere, headers })).toBe(true);
  expect(matches("/somewhere", { ...elsewhere, headers: { "x-codex-turn-metadata": "" } })).toBe(false);
  expect(matches("/v1/embeddings")).toBe(false);
  expect(matches("/v1/messages", elsewhere)).toBe(false);
  expect(matches("/v1/responsesx", elsewhere)).toBe(false);
});

test("what is read: by path, and by a body that has messages", () => {
  const asked = (path: string, method: string, body: object | null = { input: "hi", messages: undefined }) =>
    project(exchange({ path, method, request_body: body as never }))?.exchange?.request_class;
  expect(asked("/v1/responses", "POST")).toBe("main");
  expect(asked("/v1/responses", "GET", null)).toBe("other");
  expect(asked("/v1/responses/resp_1", "GET", null)).toBe("other");
  expect(asked("/v1/responses/input_tokens", "POST")).toBe("count_tokens");
  expect(asked("/v1/models", "GET", null)).toBe("models");
  expect(asked("/backend-api/codex/models", "GET", null)).toBe("models");
  expect(asked("/backend-api/ps/mcp", "POST")).toBe("other");
  const chat = project(
    exchange({ path: "/v1/responses", request_body: { messages: [{ role: "user", content: "hi" }] } }),
  );
  expect(chat?.messages).toMatchObject([{ role: "user", content: [{ type: "text", text: "hi" }] }]);
});

test("connections of the Responses API are split into calls, others are not", () => {
  const offered = (path: string): boolean =>
    codexProjector.split?.(exchange({ path, method: "GET", request_body: null })) !== undefined;
  expect(["/v1/responses", "/backend-api/codex/responses", "/backend-api/ps/mcp"].map(offered)).toEqual([
    true,
    true,
    false,
  ]);
});
