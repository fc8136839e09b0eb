// The promise of identity over every wire: conversations that nobody had, with few words, so that equal messages abound, go through
// the journal, the recorder, every adapter, the store and a query. What is stored must be the trees that the clients really walked.
// HYP_TREES raises their number and tells the figures; HYP_TREES_SEED begins elsewhere. The seed of a tree that fails goes to ONCE_WRONG.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../contract-kit/mutated.ts";
import { RecordedHome } from "../recorded-home.testkit.ts";
import { activated } from "../../adapters/activated.testkit.ts";
import { BUNDLED_ADAPTERS } from "../../adapters/bundled.ts";
import { outputTokensOf } from "./conversation.testkit.ts";
import type { Form } from "./form.testkit.ts";
import { FORMS } from "./forms.testkit.ts";
import { difference, recordedGraph, storedGraph, trueGraph, type Vertex } from "./graph.testkit.ts";
import { play } from "./play.testkit.ts";
import { eventsOf, eventsOfRecord, runInAnyOrder } from "./schedule.testkit.ts";
import { script } from "./script.testkit.ts";
import { truthOf } from "./truth.testkit.ts";

const TREES = Number(process.env["HYP_TREES"] ?? 90);
const SEED = Number(process.env["HYP_TREES_SEED"] ?? 1);
/** In one store, beside each other. */
const TOGETHER = 45;

interface Found {
  readonly exchanges: number;
  readonly messages: number;
  readonly problems: readonly string[];
}

interface Tree {
  readonly form: Form;
  readonly seed: number;
}

/** Trees beside each other in one store. */
async function foundIn(seeds: readonly Tree[]): Promise<Found> {
  const trees = seeds.map(({ form, seed }) => {
    const name = `n${seed}`;
    const [steps] = fc.sample(script, { seed, numRuns: 1 });
    const calls = play(steps!, form, name);
    const client = form.client(name);
    const written = form.written?.(name, calls);
    return { name, form, calls, client, written, truth: truthOf(calls, form, client) };
  });
  const home = await RecordedHome.open((folder) => activated(BUNDLED_ADAPTERS, folder));
  try {
    const random = seededRandom(seeds[0]!.seed);
    const events = trees.flatMap(({ calls, client, written }) => [
      ...eventsOf(calls, client),
      ...(written === undefined ? [] : eventsOfRecord(written, random)),
    ]);
    const clients = trees.map(({ client }) => client);
    await runInAnyOrder(home, events, clients, random);
    const stored = new Map(await storedGraph(home));
    const problems: string[] = [];
    let messages = 0;
    for (const { name, form, calls, client, written, truth } of trees) {
      const own: Vertex[] = [];
      const ids = new Set(calls.map(({ thread }) => client.conversation(thread)));
      for (const [id, vertices] of stored) {
        // A conversation without a name begins with words that only its tree has.
        const isOwn = form.isNamed ? ids.has(id) : vertices.some(({ label }) => label.includes(` ${name}/`));
        if (isOwn) own.push(...vertices);
        if (isOwn) stored.delete(id);
      }
      const truly = written === undefined ? trueGraph(truth) : recordedGraph(truth, written, own);
      const { missing, extra, misplaced } = difference(own, truly);
      const about = `seed ${name.slice(1)} of ${form.name}`;
      if (missing.length > 0) problems.push(`${about} misses ${missing.length}, first${shortest(missing)}`);
      if (extra.length > 0) problems.push(`${about} has ${extra.length} beyond it, first${shortest(extra)}`);
      if (misplaced.length > 0)
        problems.push(`${about} has ${misplaced.length} elsewhere, first${shortest(misplaced)}`);
      messages += truth.length;
    }
    for (const [id, vertices] of stored) problems.push(`nobody's: ${id} ${vertices[0]?.label}`);
    const about = `seeds ${seeds.map(({ seed }) => seed).join()}`;
    for (const each of await home.differences()) problems.push(`hyp verify, ${about}: ${each}`);
    const [[told]] = (await home.rows("SELECT sum(output_tokens) FROM ai_gateway_exchanges")) as [[bigint]];
    const answered = trees.flatMap(({ calls }) => calls.filter(({ outcome }) => outcome === "ok"));
    const cost = answered.reduce((sum, call) => sum + outputTokensOf(call), 0);
    if (Number(told ?? 0) !== cost) problems.push(`output tokens are ${Number(told)} of ${cost}`);
    const exchanges = trees.reduce((sum, { calls }) => sum + calls.length, 0);
    return { exchanges, messages, problems };
  } finally {
    await home.close();
  }
}

/** By form: seeds of trees that were once stored wrongly. */
const ONCE_WRONG: Readonly<Record<string, readonly number[]>> = {
  "Claude Code": [91],
  "Claude Code and its transcripts": [308, 605, 701_819, 702_620],
  Codex: [385, 466, 619],
  "Codex, WebSocket": [17, 530],
};

test("what was once stored wrongly stays right", async () => {
  const trees = FORMS.flatMap((form) => (ONCE_WRONG[form.name] ?? []).map((seed) => ({ form, seed })));
  expect(trees).toHaveLength(10);
  expect((await foundIn(trees)).problems).toEqual([]);
});

const shortest = (paths: readonly string[]): string =>
  paths.reduce((best, path) => (path.length < best.length ? path : best));

test(`nothing missing, nothing extra, nothing behind something else in ${TREES} generated trees`, async () => {
  const trees = Array.from({ length: TREES }, (_, n) => ({ form: FORMS[n % FORMS.length]!, seed: SEED + n }));
  let [exchanges, messages] = [0, 0];
  const problems: string[] = [];
  for (let at = 0; at < TREES; at += TOGETHER) {
    const found = await foundIn(trees.slice(at, at + TOGETHER));
    problems.push(...found.problems);
    if (problems.length >= 10) break;
    exchanges += found.exchanges;
    messages += found.messages;
  }
  expect(problems).toEqual([]);
  expect(messages).toBeGreaterThan(exchanges);
  if (process.env["HYP_TREES"] !== undefined)
    console.info(
      `${TREES} trees of seed ${SEED}: ${exchanges} exchanges, ${messages} messages; differences 0`,
    );
}, 3_600_000);
