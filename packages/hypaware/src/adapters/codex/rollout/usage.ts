import type { JsonObject, Usage } from "../../../contract/plugin.ts";
import { asNumber, known } from "../../../protocols/loose.ts";

/** As the client keeps it: its input contains what was read from the cache and what was written to it; ours is what is left. */
export function rolloutUsage(told: JsonObject | undefined): Usage | undefined {
  const input = asNumber(told?.["input_tokens"]);
  const read = asNumber(told?.["cached_input_tokens"]);
  const written = asNumber(told?.["cache_write_input_tokens"]);
  const usage: Usage = known({
    input_tokens: input === undefined ? undefined : Math.max(0, input - (read ?? 0) - (written ?? 0)),
    cache_read_tokens: read,
    // It notes 0 where the provider said nothing of it.
    cache_write_tokens: written === 0 ? undefined : written,
    output_tokens: asNumber(told?.["output_tokens"]),
    reasoning_tokens: asNumber(told?.["reasoning_output_tokens"]),
  });
  return Object.keys(usage).length === 0 ? undefined : usage;
}
