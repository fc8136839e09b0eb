// Lines of rollouts and exchanges of the same runs in any order, with restarts between them.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageRow } from "../../contract/dataset.ts";
import type { RecordEntry } from "../../contract/plugin.ts";
import { LinkedStore, prepare } from "../../daemon/link-record.testkit.ts";
import type { PreparedExchange } from "../../daemon/record-exchange.ts";
import { readFixture, readLines } from "./fixtures.testkit.ts";
import { codexProjector } from "./projector.ts";

/** A fork, a compaction, a subagent; what broke off. */
const RUNS = ["multi-turn", "compact", "subagent", "stream-cut-once"] as const;
const ORDERS = 12;

interface Run {
  readonly exchanges: readonly PreparedExchange[];
  readonly entries: readonly RecordEntry[];
}

async function runOf(name: (typeof RUNS)[number]): Promise<Run> {
  const projector = { ...codexProjector, order: 0 };
  return {
    exchanges: await Promise.all(readFixture(name).map((record) => prepare(record, projector))),
    entries: readLines(name).flatMap(({ entries = [] }) => entries),
  };
}

/** `order`: how many lines, then how many exchanges come, and so on; what is left comes at the end. */
function brought({ exchanges, entries }: Run, order: readonly number[]): ReadonlyMap<string, MessageRow> {
  const store = new LinkedStore();
  try {
    const [carried, told] = [[...exchanges], [...entries]];
    for (const [index, count] of order.entries()) {
      if (index % 2 === 0) store.entries(told.splice(0, count * 3));
      else for (const each of carried.splice(0, count)) store.exchange(each);
      if (count === 2) store.restart();
    }
    for (const each of carried) store.exchange(each);
    store.entries(told);
    return store.rows();
  } finally {
    store.close();
  }
}

test.each(RUNS)(
  "%s: any order gives the same rows",
  async (name) => {
    const run = await runOf(name);
    const expected = brought(run, []);
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 16 }), (order) => {
        expect(brought(run, order)).toEqual(expected);
      }),
      { numRuns: ORDERS },
    );
  },
  60_000,
);

test("exchanges that did not pass the gateway are missing from no session that its record tells of", async () => {
  const run = await runOf("multi-turn");
  const whole = brought(run, []);
  fc.assert(
    fc.property(
      fc.subarray([...run.exchanges]),
      fc.array(fc.nat(4), { maxLength: 12 }),
      (exchanges, order) => {
        const rows = brought({ ...run, exchanges }, order);
        expect([...rows.keys()]).toEqual([...whole.keys()]);
        for (const [partId, { conversation_id, previous_message_id, content_text, message_index }] of rows)
          expect(whole.get(partId)).toMatchObject({
            conversation_id,
            previous_message_id,
            content_text,
            message_index,
          });
      },
    ),
    { numRuns: ORDERS },
  );
}, 60_000);
