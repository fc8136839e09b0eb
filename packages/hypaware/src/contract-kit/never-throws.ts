import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { ExchangeProjector, ExchangeRecord, Projection } from "../contract/plugin.ts";
import { parseProjection } from "../projection/intake.ts";
import { mutated, seededRandom } from "./mutated.ts";
import { named } from "./named.ts";
import { projected } from "./projected.ts";

/** Far above what a changed exchange takes, far below what would hold up a recorder. */
const LONGEST_MS = 2_000;

export interface Mutations {
  readonly mutations: number;
  readonly seed: number;
}

/**
 * A projector meets whatever clients, providers and disks leave behind. It must neither throw nor hang, and what it gives must be a
 * projection, the same each time. A connection that it splits must be borne the same way.
 */
export async function assertNeverThrows(
  projector: ExchangeProjector,
  records: readonly ExchangeRecord[],
  { mutations, seed }: Mutations,
): Promise<void> {
  const random = seededRandom(seed);
  for (let n = 0; n < mutations && records.length > 0; n++) {
    const index = n % records.length;
    const record = mutated(records[index]!, random);
    const where = `mutation ${n + 1} of seed ${seed} of ${named(records[index]!, index)}`;
    await within(where, async () => {
      const projection = await projected(projector, record, index);
      assertProjection(projection);
      if (!isDeepStrictEqual(projection, await projected(projector, record, index)))
        throw new AssertionError({ message: "what is made of it the second time differs" });
      split(projector, record);
    });
  }
}

function assertProjection(projection: Projection | undefined): void {
  if (projection === undefined || parseProjection(projection) !== undefined) return;
  throw new AssertionError({ message: "what is made of it is no projection" });
}

/** The bodies as messages of a connection. */
function split(projector: ExchangeProjector, record: ExchangeRecord): void {
  const splitter = projector.match(record) === true ? projector.split?.(record) : undefined;
  if (splitter === undefined) return;
  splitter.push({ side: "client", t_ms: 0, text: record.request_body ?? "" });
  for (const { data, t_ms } of record.stream_events) splitter.push({ side: "server", t_ms, text: data });
  splitter.push({ side: "server", t_ms: 1, text: record.response_body ?? "" });
  splitter.end();
}

async function within(where: string, work: () => Promise<void>): Promise<void> {
  const start = performance.now();
  try {
    await work();
  } catch (error) {
    if (error instanceof AssertionError) error.message = `${where}: ${error.message}`;
    throw error;
  }
  const took = performance.now() - start;
  if (took > LONGEST_MS) throw new AssertionError({ message: `${where} takes ${Math.round(took)} ms` });
}
