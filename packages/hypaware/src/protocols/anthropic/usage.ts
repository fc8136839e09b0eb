import type { JsonObject, Usage } from "../../contract/projection.ts";
import { asNumber, asObject, known } from "../loose.ts";

/**
 * Usage as the wire tells it: `input_tokens` is fresh input only. In a stream it is told twice and more, each time as a total:
 * the last number given for a field holds, and a field that is missing or null says nothing about the one before.
 */
export class UsageTally {
  #usage: Usage | undefined;
  #details: JsonObject = {};

  add(wire: JsonObject | undefined): void {
    if (wire === undefined) return;
    const writes = asObject(wire["cache_creation"]);
    const told: Usage = known({
      input_tokens: asNumber(wire["input_tokens"]),
      cache_read_tokens: asNumber(wire["cache_read_input_tokens"]),
      cache_write_tokens: asNumber(wire["cache_creation_input_tokens"]),
      cache_write_5m_tokens: asNumber(writes?.["ephemeral_5m_input_tokens"]),
      cache_write_1h_tokens: asNumber(writes?.["ephemeral_1h_input_tokens"]),
      output_tokens: asNumber(wire["output_tokens"]),
    });
    if (Object.keys(told).length > 0) this.#usage = { ...this.#usage, ...told };
    for (const name of DETAILS) {
      const value = wire[name];
      if (value !== undefined && value !== null) this.#details = { ...this.#details, [name]: value };
    }
  }

  /** `undefined` when the wire carried none. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** What a price depends on beside tokens. */
  get details(): JsonObject {
    return this.#details;
  }
}

const DETAILS = ["service_tier", "inference_geo", "server_tool_use"] as const;
