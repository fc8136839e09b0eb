import type { JsonObject, Usage } from "../../contract/projection.ts";
import { asNumber, known } from "../loose.ts";

const COUNTS = [
  "promptTokenCount",
  "cachedContentTokenCount",
  "toolUsePromptTokenCount",
  "candidatesTokenCount",
  "thoughtsTokenCount",
] as const;
type Counts = { readonly [name in (typeof COUNTS)[number]]?: number };

/**
 * `usageMetadata`, told with each piece of a stream, each time as a total: the last number given for a field holds. The wire's
 * prompt contains what came from the cache; its candidates do not contain thoughts, nor its prompt what server tools fed in.
 */
export class UsageTally {
  #counts: Counts = {};
  #details: JsonObject = {};

  add(wire: JsonObject | undefined): void {
    if (wire === undefined) return;
    this.#counts = { ...this.#counts, ...known(countsOf(wire)) };
    const tier = wire["serviceTier"] ?? wire["trafficType"];
    if (tier !== undefined && tier !== null) this.#details = { service_tier: tier };
  }

  /** `undefined` when the wire carried none. */
  get usage(): Usage | undefined {
    const {
      promptTokenCount: prompt,
      cachedContentTokenCount: cached,
      toolUsePromptTokenCount: tool,
      candidatesTokenCount: candidates,
      thoughtsTokenCount: thoughts,
    } = this.#counts;
    const usage: Usage = known({
      input_tokens: prompt === undefined ? tool : Math.max(0, prompt - (cached ?? 0)) + (tool ?? 0),
      cache_read_tokens: cached,
      output_tokens:
        candidates === undefined && thoughts === undefined ? undefined : (candidates ?? 0) + (thoughts ?? 0),
      reasoning_tokens: thoughts,
    });
    return Object.keys(usage).length === 0 ? undefined : usage;
  }

  /** What a price depends on beside tokens. */
  get details(): JsonObject {
    return this.#details;
  }
}

function countsOf(wire: JsonObject): { [name in (typeof COUNTS)[number]]?: number | undefined } {
  return Object.fromEntries(COUNTS.map((name) => [name, asNumber(wire[name])]));
}
