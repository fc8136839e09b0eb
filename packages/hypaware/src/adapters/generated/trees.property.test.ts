// The promise of identity over every wire: conversations that nobody had, with few words, so that equal messages abound, go through
// the journal, the recorder, every adapter, the store and a query. What is stored must be the trees that the clients really walked.
// HYP_TREES raises their number and tells the figures; HYP_TREES_SEED begins elsewhere. A tree that fails is found again by seed and
// number.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../contract-kit/mutated.ts";
import { RecordedHome } from "../../daemon/recorded-home.testkit.ts";
import { activated } from "../activated.testkit.ts";
import { BUNDLED_ADAPTERS } from "../bundled.ts";
import { outputTokensOf } from "./conversation.testkit.ts";
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

/** Trees of these numbers, each by its own seed and in the form that its number says. */
async function foundIn(numbers: readonly number[]): Promise<Found> {
  const trees = numbers.map((number) => {
    const form = FORMS[number % FORMS.length]!;
    const name = `n${number}`;
    const [steps] = fc.sample(script, { seed: SEED + number, numRuns: 1 });
    const calls = play(steps!, form, name);
    const client = form.client(name);
    const written = form.written?.(name, calls);
    return { name, form, calls, client, written, truth: truthOf(calls, form, client) };
  });
  const home = await RecordedHome.open((folder) => activated(BUNDLED_ADAPTERS, folder));
  try {
    const random = seededRandom(SEED + numbers[0]!);
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
      const about = `tree ${name} of ${form.name}`;
      if (missing.length > 0) problems.push(`${about} misses ${missing.length}, first${shortest(missing)}`);
      if (extra.length > 0) problems.push(`${about} has ${extra.length} beyond it, first${shortest(extra)}`);
      if (misplaced.length > 0)
        problems.push(`${about} has ${misplaced.length} elsewhere, first${shortest(misplaced)}`);
      messages += truth.length;
    }
    for (const [id, vertices] of stored) problems.push(`nobody's: ${id} ${vertices[0]?.label}`);
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

const shortest = (paths: readonly string[]): string =>
  paths.reduce((best, path) => (path.length < best.length ? path : best));

test(`nothing missing, nothing extra, nothing behind something else in ${TREES} generated trees`, async () => {
  const numbers = Array.from({ length: TREES }, (_, number) => number);
  let [exchanges, messages] = [0, 0];
  const problems: string[] = [];
  for (let at = 0; at < TREES; at += TOGETHER) {
    const found = await foundIn(numbers.slice(at, at + TOGETHER));
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
