import { afterEach, beforeEach, expect, test } from "vitest";
import { exchange } from "./journal-exchange.testkit.ts";
import { ReprojectHome, changedChat } from "./reproject-home.testkit.ts";

let home: ReprojectHome;
beforeEach(() => {
  home = new ReprojectHome();
});
afterEach(() => home.close());

/** Sends only what is new: the session of an exchange is `<response that it goes on from>:<its own response>`. */
const continuing = changedChat((projection) => {
  const [previous, own] = projection.conversation_id.split(":");
  return {
    ...projection,
    conversation_id: "base",
    conversation_inferred: true,
    previous_response_id: previous!,
    response_is_kept: true,
    exchange: { request_class: "main", response_id: own! },
  };
});
const SAID = `SELECT conversation_id, string_agg(content_text, '' ORDER BY message_index, content_text) FROM ai_gateway_messages
  GROUP BY 1 ORDER BY 1`;

test("requests go on from the same responses as before, also when messages are made anew", async () => {
  const journal = await home.open("r1");
  const say = (session: string, word: string): void =>
    void exchange(journal, { turns: [word], answer: word.toUpperCase(), session });
  say(":r1", "a");
  say(":r2", "x");
  say("r1:r3", "b");
  await journal.flush();
  await home.record([continuing]);
  expect(await home.rows(SAID)).toEqual([
    ["base", "aAbB"],
    ["base:#2", "xX"],
  ]);
  expect(await home.compare([continuing])).toMatchObject({ isEmpty: true, threadChanges: 0 });
  // Of the old nodes those of `x` stay: both kinds of ids are new places of responses.
  const loud = {
    ...continuing,
    project: async (...given: Parameters<typeof continuing.project>) => {
      const projection = (await continuing.project(...given))!;
      const louder = (text: string): string => (text.toLowerCase() === "x" ? text : `${text}!`);
      const messages = projection.messages.map((each) => ({
        ...each,
        content: louder(each.content as string),
      }));
      return { ...projection, messages };
    },
  };
  expect(await home.reproject([loud])).toMatchObject({ threadChanges: 1 });
  say("r3:r4", "c");
  say("r2:r5", "y");
  say("r1:r6", "d");
  await journal.flush();
  await home.record([loud]);
  expect(await home.rows(SAID)).toEqual([
    ["base", "a!A!b!d!B!D!c!C!"],
    ["base:#2", "xXy!Y!"],
  ]);
  expect(await home.compare([loud])).toMatchObject({ isEmpty: true, threadChanges: 0 });
});

test("a request that goes on from a response of lost history belongs to what is kept", async () => {
  await home.run("r1", (journal) => {
    exchange(journal, { turns: ["a"], answer: "A", session: ":r1" });
  });
  await home.record([continuing]);
  await home.run("r2", (journal) => {
    exchange(journal, { turns: ["b"], answer: "B", session: "r1:r2" });
    exchange(journal, { turns: ["x"], answer: "X", session: ":r3" });
  });
  await home.record([]);
  home.forget("r1");
  expect(await home.compare([continuing])).toMatchObject({
    scope: { exchanges: 1, conversations: 1, keptExchanges: 2, keptConversations: 1 },
    datasets: { ai_gateway_messages: { added: 2 } },
  });
});
