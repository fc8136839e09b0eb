import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { ExchangeProjector, ExchangeRecord, Projection } from "../contract/plugin.ts";
import { frozen } from "./frozen.ts";
import { named } from "./named.ts";
import { projected } from "./projected.ts";

/**
 * A projection may depend on its exchange alone. So it is made twice of copies, in order and in reverse, where the clock and chance
 * throw and the exchange cannot be changed; and both times it must be the same.
 */
export async function assertDeterministic(
  projector: ExchangeProjector,
  records: readonly ExchangeRecord[],
): Promise<void> {
  const inOrder = await allProjected(projector, [...records.entries()]);
  const reversed = await allProjected(projector, [...records.entries()].reverse());
  for (const [index, projection] of inOrder) {
    if (isDeepStrictEqual(projection, reversed.get(index))) continue;
    throw new AssertionError({
      message: `${projector.name} makes something else of ${named(records[index]!, index)} when it has seen others before`,
      expected: projection,
      actual: reversed.get(index),
      operator: "deepStrictEqual",
    });
  }
}

async function allProjected(
  projector: ExchangeProjector,
  records: readonly (readonly [number, ExchangeRecord])[],
): Promise<ReadonlyMap<number, Projection | undefined>> {
  const all = new Map<number, Projection | undefined>();
  for (const [index, record] of records) {
    const input = frozen(record);
    const projection = withoutAmbient(() => projected(projector, input, index));
    all.set(index, structuredClone(await projection));
  }
  return all;
}

/** The time that a projector may know is in the exchange. Only until it waits: others may run then. */
function withoutAmbient<T>(work: () => T): T {
  const RealDate = Date;
  const random = Reflect.get(Math, "random");
  const forbid = (name: string) => (): never => {
    throw new Error(`a projector must not ask for ${name}`);
  };
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given) =>
      given.length === 0 ? forbid("the time")() : Reflect.construct(target, given),
    apply: forbid("the time"),
    get: (target, name) => (name === "now" ? forbid("the time") : Reflect.get(target, name)),
  });
  Math.random = forbid("chance");
  performance.now = forbid("the time");
  try {
    return work();
  } finally {
    globalThis.Date = RealDate;
    Math.random = random;
    // The real one is inherited.
    Reflect.deleteProperty(performance, "now");
  }
}
