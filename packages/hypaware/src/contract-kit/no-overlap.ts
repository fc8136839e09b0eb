import { AssertionError } from "node:assert";
import type { ExchangeProjector, ExchangeRecord } from "../contract/plugin.ts";
import { named } from "./named.ts";

/** Each exchange is taken by its projector, whatever the order in which projectors are registered: no other one of its priority or a higher one matches. */
export function assertNoOverlap(
  projector: ExchangeProjector,
  records: readonly ExchangeRecord[],
  others: readonly ExchangeProjector[],
): void {
  for (const [index, record] of records.entries()) {
    if (projector.match(record) !== true)
      throw new AssertionError({ message: `${projector.name} does not match ${named(record, index)}` });
    const taking = others.filter(
      (other) =>
        other !== projector && priorityOf(other) >= priorityOf(projector) && other.match(record) === true,
    );
    if (taking.length > 0) {
      const names = taking.map(({ name }) => name).join(" and ");
      throw new AssertionError({
        message: `${names} matches ${projector.name}'s ${named(record, index)}, too`,
      });
    }
  }
}

const priorityOf = ({ priority = 0 }: ExchangeProjector): number => priority;
