import { expect, test } from "vitest";
import { startFakeProvider } from "./fake-provider.ts";
import { expectedConversations } from "./oracle.ts";
import type { WireMessage } from "./wire-request.ts";

async function expectedAfter(
  requests: readonly {
    readonly headers?: Record<string, string>;
    readonly messages: readonly WireMessage[];
  }[],
): Promise<ReturnType<typeof expectedConversations>> {
  const provider = await startFakeProvider();
  try {
    for (const { headers, messages } of requests) {
      const response = await fetch(`${provider.url}/v1/messages`, {
        method: "POST",
        headers: { "x-claude-code-session-id": "s", ...headers },
        body: JSON.stringify({ messages }),
      });
      await response.text();
    }
    return expectedConversations(provider.requests());
  } finally {
    await provider.close();
  }
}

const text = (words: string) => ({ type: "text", text: words });
const part = (type: string, fields: object = {}) => ({
  type,
  text: null,
  toolName: null,
  toolCallId: null,
  toolArgs: null,
  ...fields,
});

test("each block is a message", async () => {
  const conversations = await expectedAfter([
    {
      messages: [
        { role: "user", content: [text("a"), text("SAY:bash b")] },
        { role: "system", content: [] },
        {
          role: "assistant",
          content: [text("c"), { type: "tool_use", id: "t", name: "Bash", input: { x: 1 } }],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "t", content: [text("d"), text("e")] },
            { type: "tool_result", tool_use_id: "u", content: "f" },
            text("g"),
          ],
        },
      ],
    },
  ]);
  expect(conversations.get("s")).toEqual([
    { role: "user", parts: [part("text", { text: "a" })] },
    { role: "user", parts: [part("text", { text: "SAY:bash b" })] },
    { role: "assistant", parts: [part("text", { text: "c" })] },
    {
      role: "assistant",
      parts: [part("tool_call", { toolName: "Bash", toolCallId: "t", toolArgs: { x: 1 } })],
    },
    { role: "user", parts: [part("tool_result", { text: "d\ne", toolName: "Bash", toolCallId: "t" })] },
    { role: "user", parts: [part("tool_result", { text: "f", toolCallId: "u" })] },
    { role: "user", parts: [part("text", { text: "g" })] },
    { role: "assistant", parts: [part("text", { text: "It ran." })] },
  ]);
});

test("the last successful request of each conversation counts", async () => {
  const first = { role: "user", content: "SAY:text one" };
  const conversations = await expectedAfter([
    { messages: [first] },
    { messages: [first, { role: "assistant", content: "one" }, { role: "user", content: "SAY:text two" }] },
    { messages: [{ role: "user", content: "SAY:status 500" }] },
    { headers: { "x-claude-code-agent-id": "a1" }, messages: [{ role: "user", content: "SAY:text helper" }] },
  ]);
  const texts = (id: string) => conversations.get(id)?.map(({ parts }) => parts[0]?.text);
  expect([...conversations.keys()]).toEqual(["s", "s/a1"]);
  expect(texts("s")).toEqual(["SAY:text one", "one", "SAY:text two", "two"]);
  expect(texts("s/a1")).toEqual(["SAY:text helper", "helper"]);
});
