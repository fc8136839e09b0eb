import type { RecordedTotal } from "../contract/record.ts";
import { hasNoAnswer } from "./compare-messages.ts";
import type { Findings } from "./difference.ts";
import { COUNTED, type StoredExchange } from "./stored.ts";
import type { ToldResponse, ToldSession } from "./told.ts";

type Counts = Readonly<Record<(typeof COUNTED)[number], number>>;

/**
 * What the client added up is the sum of the session's exchanges until then, side calls included. `others`: totals of other sessions, with
 * one of which a fork's begin. `uncarried`: responses that came while the session ran without the gateway.
 */
export function compareTotals(
  told: ToldSession,
  exchanges: readonly StoredExchange[],
  others: readonly RecordedTotal[],
  uncarried: readonly ToldResponse[],
  findings: Findings,
): void {
  if (exchanges.length === 0) return;
  const latest = new Map(told.totals.map((total) => [total.model, total]));
  for (const total of latest.values()) {
    const { model, session_id: session } = total;
    const own = exchanges.filter((exchange) => exchange.model === model);
    // What came after the client had added up is not in it; when that was is its clock's word against ours.
    const sums = own.map((_, index) => sum(own.slice(0, index + 1)));
    const bases = [undefined, ...others.filter((base) => base.model === model)];
    if (sums.some((counts) => bases.some((base) => equals(total, counts, base)))) continue;
    const whole = own.filter((exchange) => !hasNoAnswer(exchange));
    // The client counts side calls, too, which its record does not tell.
    const rest = uncarried.filter((response) => response.model === model);
    if (
      rest.length > 0 &&
      isBeyond(total, sum([...whole, ...rest.map(({ usage: tokens }) => ({ tokens }))]))
    ) {
      findings.natural("not_carried");
      continue;
    }
    // Of a cut answer the client counts what it saw of it.
    if (whole.length < own.length && isBeyond(total, sum(whole))) {
      findings.natural("estimate");
      continue;
    }
    const stored = sum(own);
    for (const name of COUNTED)
      if ((total.usage[name] ?? 0) !== stored[name])
        findings.add({
          class: "differs",
          subject: "total",
          id: model,
          conversation_id: session,
          column: name,
          told: total.usage[name] ?? 0,
          stored: stored[name],
          message: `${name} of the session's exchanges with this model are ${stored[name]}, and the client counted ${total.usage[name] ?? 0}`,
        });
  }
}

function sum(
  exchanges: readonly { readonly tokens: { readonly [name in keyof Counts]?: number | null } }[],
): Counts {
  return Object.fromEntries(
    COUNTED.map((name) => [name, exchanges.reduce((total, { tokens }) => total + (tokens[name] ?? 0), 0)]),
  ) as Counts;
}

function equals(total: RecordedTotal, counts: Counts, base?: RecordedTotal): boolean {
  return COUNTED.every(
    (name) => (total.usage[name] ?? 0) === counts[name] + (base === undefined ? 0 : (base.usage[name] ?? 0)),
  );
}

function isBeyond(total: RecordedTotal, counts: Counts): boolean {
  return COUNTED.every((name) => (total.usage[name] ?? 0) >= counts[name]);
}
