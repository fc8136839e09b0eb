import type { RequestClass } from "../contract/exchange.ts";

const WITH_MESSAGES: ReadonlySet<RequestClass> = new Set(["main", "subagent", "compaction", "title"]);
const WITHOUT_MESSAGES: ReadonlySet<RequestClass> = new Set(["count_tokens", "probe", "router", "models"]);

/** Whether an exchange of this class should have messages: that none were found is then worth a warning. */
export function carriesMessages(requestClass: RequestClass): boolean {
  return WITH_MESSAGES.has(requestClass);
}

/** Classes that make no rows even if their requests hold messages: they repeat those of others. */
export function neverMakesRows(requestClass: RequestClass): boolean {
  return WITHOUT_MESSAGES.has(requestClass);
}
