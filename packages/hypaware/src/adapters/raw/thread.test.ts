import { expect, test } from "vitest";
import { storedRows } from "../../projection/stored-rows.testkit.ts";
import { anthropicProjector } from "./anthropic.ts";
import { readFixture } from "./fixtures.testkit.ts";
import { openaiProjector } from "./openai.ts";

test.each([
  ["anthropic-sdk", { "FAKE:status 529 1": 1, "FAKE:status 429 1": 1, "FAKE:text hello": 2 }],
  ["openai-sdk", { "FAKE:status 500 1": 1, "FAKE:status 429 1": 1, "FAKE:text streamed": 3 }],
  ["openai-sdk-older", { "FAKE:status 500 1": 1, "FAKE:status 429 1": 1, "FAKE:text streamed": 3 }],
])("%s: each run is a conversation, a failed attempt and its repeat one", async (name, expected) => {
  const rows = await storedRows(readFixture(name), [anthropicProjector, openaiProjector]);
  const conversations = [...Map.groupBy(rows, (row) => row.conversation_id).values()];
  const asked = (text: string): string[] =>
    conversations
      .filter(([first]) => first?.content_text === text)
      .map((own) => own.map(({ role }) => role).join(" "));
  for (const [text, count] of Object.entries(expected))
    expect(asked(text), text).toEqual(
      Array.from({ length: count }, () => expect.stringContaining("user assistant")),
    );
  expect(asked("FAKE:status 400 9")).toEqual(["user"]);
});
