import { expect, test } from "vitest";
import { geminiClient } from "./client.ts";

const endpoint = "http://127.0.0.1:18521/k/gemini-0";

test("it is started with the gateway's address for both of its sign-ins", () => {
  expect(geminiClient({}).launch?.({ endpoint, args: ["-p", "hi"] })).toEqual({
    command: "gemini",
    args: ["-p", "hi"],
    env: { GOOGLE_GEMINI_BASE_URL: endpoint, CODE_ASSIST_ENDPOINT: endpoint },
  });
});

test("a backend of the person's own stays", () => {
  const env = {
    GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:1",
    CODE_ASSIST_ENDPOINT: "https://backend.example",
    HYP_GEMINI_BIN: "/opt/gemini-next",
  };
  expect(geminiClient(env).launch?.({ endpoint, args: [] })).toEqual({
    command: "/opt/gemini-next",
    args: [],
    env: { GOOGLE_GEMINI_BASE_URL: endpoint },
  });
});

test("attach and detach say that they change nothing, and fail", async () => {
  const written: string[] = [];
  const output = { write: (text: string) => written.push(text) };
  const context = { config: {}, stdout: { write: expect.unreachable }, stderr: output };
  const client = geminiClient({});
  expect(await client.attach({ ...context, endpoint })).toBe(1);
  expect(await client.detach(context)).toBe(1);
  expect(written[0]).toContain(`GOOGLE_GEMINI_BASE_URL=${endpoint}`);
  expect(written[1]).toContain("hyp run gemini");
});
