import type { ExchangeRecord } from "../contract/plugin.ts";

/** An exchange for a person who reads a failure. */
export function named({ method, path, status_code: status }: ExchangeRecord, index: number): string {
  return `exchange ${index + 1} (${method} ${path} -> ${status})`;
}
