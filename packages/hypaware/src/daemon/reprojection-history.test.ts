import { cpSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RegisteredProjector } from "../gateway/capability.ts";
import type { Journal } from "../journal/journal.ts";
import { chat, exchange } from "./journal-exchange.testkit.ts";
import { ReprojectHome, changedChat } from "./reproject-home.testkit.ts";

// Properties over generated histories: few words, so that equal messages, repeats and branches are common.

const RUNS = 6;
const WORDS = ["a", "b", "b"] as const;

const STEP_MS = 10;

interface Step {
  readonly client: number;
  readonly word: (typeof WORDS)[number];
  /** What the client does before it asks: goes on, begins anew, asks the last thing again or another one in its place. */
  readonly act: "next" | "anew" | "again" | "edit";
  readonly fails: boolean;
  /** What is done before the next one. */
  readonly store: "nothing" | "record" | "seal";
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.nat(2),
  word: fc.constantFrom(...WORDS),
  act: fc.constantFrom("next", "next", "next", "anew", "again", "edit"),
  fails: fc.boolean(),
  store: fc.constantFrom("nothing", "record", "record", "seal"),
});
const history = fc.array(step, { minLength: 1, maxLength: 14 });

/** One client fails, another one's question is taken for its repetition: what the first one repeats belongs to a conversation that is kept. */
const REPEATED_ELSEWHERE: Step[] = [
  { client: 1, word: "b", act: "next", fails: true, store: "nothing" },
  { client: 0, word: "b", act: "next", fails: false, store: "nothing" },
  { client: 1, word: "b", act: "next", fails: false, store: "nothing" },
  { client: 0, word: "a", act: "next", fails: false, store: "nothing" },
];

/** The wire names the conversation, or it does not. */
const named = chat;
const inferred = changedChat((projection) => ({
  ...projection,
  conversation_id: "base",
  conversation_inferred: true,
}));
const either = fc.constantFrom(named, inferred);

/** Plays the clients' steps into the journal; `after` runs behind each. Gives when the first one began: no journal was made after. */
async function play(
  steps: readonly Step[],
  journalOf: (index: number) => Journal,
  after: (step: Step) => Promise<void>,
): Promise<number> {
  const began = Date.now();
  const lists = new Map<number, string[]>();
  for (const [index, each] of steps.entries()) {
    const { client, word, act, fails } = each;
    const before = act === "anew" ? [] : (lists.get(client) ?? []);
    // The last turn is the client's own when its attempt failed, else an answer.
    const said = before.length % 2 === 1 ? before.slice(0, -1) : before;
    const turns =
      act === "again" && before.length > 0
        ? before.slice(0, before.length % 2 === 1 ? undefined : -1)
        : [...(act === "edit" ? said.slice(0, -2) : said), word];
    const answer = fails ? "overloaded" : word.toUpperCase();
    const journal = journalOf(index);
    exchange(journal, {
      turns,
      answer,
      session: `s${client}`,
      outcome: fails ? "upstream_aborted" : "complete",
      startedAt: began + index * STEP_MS,
    });
    lists.set(client, fails ? turns : [...turns, answer]);
    await journal.flush();
    await after(each);
  }
  return began;
}

async function inHome<T>(use: (home: ReprojectHome) => Promise<T>): Promise<T> {
  const home = new ReprojectHome();
  try {
    return await use(home);
  } finally {
    await home.close();
  }
}

const settle = (home: ReprojectHome, projectors: readonly RegisteredProjector[]) => async (step: Step) => {
  if (step.store === "nothing") return;
  await home.record(projectors);
  if (step.store === "seal") await home.seal();
};

const ALL = [
  "SELECT * FROM ai_gateway_messages ORDER BY part_id",
  "SELECT * FROM ai_gateway_exchanges ORDER BY exchange_id",
];
const all = (home: ReprojectHome) => Promise.all(ALL.map((sql) => home.rows(sql)));

test("projecting any history again with the same projector makes no difference", async () => {
  await fc.assert(
    fc.asyncProperty(history, either, async (steps, projector) => {
      await inHome(async (home) => {
        const journals = [await home.open("r1"), await home.open("r2")];
        // What two gateways carry is recorded in the order of its ends when it is recorded at once.
        await play(
          steps,
          (index) => journals[index % 2]!,
          async (each) =>
            settle(home, [projector])({ ...each, store: each.store === "nothing" ? "record" : each.store }),
        );
        expect(await home.compare([projector])).toMatchObject({ isEmpty: true, threadChanges: 0 });
      });
    }),
    { numRuns: RUNS },
  );
});

test("projecting again what is left of any history with the same projector makes no difference", async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.nat(12), either, async (steps, cut, projector) => {
      await inHome(async (home) => {
        const journals = [await home.open("r1"), await home.open("r2")];
        await play(steps, (index) => journals[index < cut ? 0 : 1]!, settle(home, [projector]));
        await home.record([projector]);
        home.forget("r1");
        const left = steps.length - cut;
        const compared = home.compare([projector]).catch((error: unknown) => {
          // All of it may hang together with what is gone.
          expect(error).toMatchObject({ code: "journal_incomplete" });
          return { isEmpty: true, threadChanges: 0, scope: { exchanges: 0 } };
        });
        expect(await compared).toMatchObject({ isEmpty: true, threadChanges: 0 });
        expect((await compared).scope.exchanges).toBeLessThanOrEqual(Math.max(0, left));
      });
    }),
    { numRuns: RUNS, examples: [[REPEATED_ELSEWHERE, 1, inferred]] },
  );
});

/** What a newer projector may do otherwise. */
const newer = fc.constantFrom<(projector: RegisteredProjector) => RegisteredProjector>(
  (old) => ({
    ...old,
    project: async (record, context) => ({ ...(await old.project(record, context))!, model: "m" }),
  }),
  (old) => ({ ...old, match: (record) => old.match(record) && !record.request_body!.includes("B") }),
  (old) => ({
    ...old,
    async project(record, context) {
      const projection = (await old.project(record, context))!;
      const messages = projection.messages.map((each) => ({
        ...each,
        content: `${each.content as string}!`,
      }));
      return { ...projection, messages };
    },
  }),
  () => named,
  () => inferred,
);

test("any history that a newer projector makes anew is what that projector would have recorded", async () => {
  await fc.assert(
    fc.asyncProperty(history, either, newer, fc.nat(14), async (steps, old, upgrade, part) => {
      await inHome(async (home) => {
        const journal = await home.open("r1");
        const began = await play(steps, () => journal, settle(home, [old]));
        await home.record([old]);
        const projectors = [upgrade(old)];
        // First only the newest, then all.
        await home.reproject(projectors, { since: began + part * STEP_MS });
        expect(await home.compare(projectors, { since: began + part * STEP_MS })).toMatchObject({
          isEmpty: true,
        });
        await home.reproject(projectors);
        expect(await home.problems()).toEqual([]);
        expect(await home.compare(projectors)).toMatchObject({ isEmpty: true, threadChanges: 0 });
        await inHome(async (fresh) => {
          cpSync(home.paths.journal, fresh.paths.journal, { recursive: true });
          await fresh.record(projectors);
          expect(await all(home)).toEqual(await all(fresh));
        });
      });
    }),
    { numRuns: RUNS },
  );
});
