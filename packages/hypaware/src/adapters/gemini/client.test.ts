import { expect, test } from "vitest";
import { geminiLaunch } from "./client.ts";

const endpoint = "http://127.0.0.1:18521/k/gemini-0";

test("it is started with the gateway's address for both of its sign-ins", () => {
  expect(geminiLaunch({})({ endpoint, args: ["-p", "hi"] })).toEqual({
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
  expect(geminiLaunch(env)({ endpoint, args: [] })).toEqual({
    command: "/opt/gemini-next",
    args: [],
    env: { GOOGLE_GEMINI_BASE_URL: endpoint },
  });
});
