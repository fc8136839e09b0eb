import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeGemini, startFakeGemini } from "./fake-gemini.ts";

let fake: FakeGemini;
beforeEach(async () => {
  fake = await startFakeGemini();
});
afterEach(() => fake.close());

type Content = { readonly role: string; readonly parts: readonly object[] };
const user = (text: string): Content => ({ role: "user", parts: [{ text }] });
const ask = (verb: string, ...contents: readonly Content[]): Promise<Response> =>
  fetch(`${fake.url}/v1beta/models/m:${verb}`, { method: "POST", body: JSON.stringify({ contents }) });
const streamed = async (...contents: readonly Content[]): Promise<string> =>
  (await ask("streamGenerateContent?alt=sse", ...contents)).text();

test("an answer says the same as a whole and as a stream, and its tokens are in the account", async () => {
  expect(await (await ask("generateContent", user("SAY:text hello there"))).text()).toContain("hello there");
  const stream = await streamed(user("SAY:text hello there"));
  expect(stream).toMatch(/"text":"hello "[\s\S]*"text":"there"/);
  const [, second] = fake.calls();
  expect(stream).toContain(`"thoughtsTokenCount":${second?.answer?.usage.thoughtsTokenCount}`);
  expect(second?.answer?.usage).toMatchObject({ promptTokenCount: 12 + 2_002, candidatesTokenCount: 22 });
});

test("calls are made until their results come", async () => {
  const prompt = user("SAY:parallel echo par");
  const first = await streamed(prompt);
  expect(first.match(/functionCall/g)).toHaveLength(2);
  const result = { functionResponse: { name: "run_shell_command", response: { output: "" } } };
  expect(await streamed(prompt, { role: "user", parts: [result, result] })).not.toContain("functionCall");
});

test("an attempt fails as often as it was asked to", async () => {
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await ask("generateContent", user("SAY:status 503 2"))).status);
  expect(statuses).toEqual([503, 503, 200]);
  await expect(streamed(user("SAY:cut 1"))).rejects.toThrow();
  expect(await streamed(user("SAY:cut 1"))).toContain("STOP");
  expect(fake.calls().map(({ answer }) => answer !== undefined)).toEqual([false, false, true, false, true]);
  expect((await fetch(`${fake.url}/v1beta/models`)).status).toBe(404);
});

test("a caller who goes away in the middle of an answer is in the account at once", async () => {
  const gone = new AbortController();
  const body = JSON.stringify({ contents: [user("SAY:slow 60000")] });
  const url = `${fake.url}/v1beta/models/m:streamGenerateContent?alt=sse`;
  const answer = await fetch(url, { method: "POST", body, signal: gone.signal });
  gone.abort();
  await expect(answer.text()).rejects.toThrow();
  await vi.waitFor(() => expect(fake.calls()).toHaveLength(1));
  expect(fake.calls()[0]?.answer).toBeUndefined();
});
