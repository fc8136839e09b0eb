import type { JsonObject, Usage } from "../contract/projection.ts";
import { asNumber, asObject, known } from "./loose.ts";

/**
 * Usage as both APIs tell it, under two sets of names (`input_tokens`, or `prompt_tokens`). Their input contains what was read from
 * the cache and what was written to it; ours is what is left. `undefined` when the wire carried none.
 */
export function readUsage(wire: JsonObject | undefined): Usage | undefined {
  const input = asNumber(wire?.["input_tokens"]) ?? asNumber(wire?.["prompt_tokens"]);
  const inputDetails = asObject(wire?.["input_tokens_details"]) ?? asObject(wire?.["prompt_tokens_details"]);
  const outputDetails =
    asObject(wire?.["output_tokens_details"]) ?? asObject(wire?.["completion_tokens_details"]);
  const read = asNumber(inputDetails?.["cached_tokens"]);
  const written = asNumber(inputDetails?.["cache_write_tokens"]);
  const usage: Usage = known({
    input_tokens: input === undefined ? undefined : Math.max(0, input - (read ?? 0) - (written ?? 0)),
    cache_read_tokens: read,
    cache_write_tokens: written,
    output_tokens: asNumber(wire?.["output_tokens"]) ?? asNumber(wire?.["completion_tokens"]),
    reasoning_tokens: asNumber(outputDetails?.["reasoning_tokens"]),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}
