import { inflateRawSync } from "node:zlib";
import { compactHex, compactId, compactName, compactRole } from "./compact.ts";
import type { Database } from "./database.ts";
import { storedColumns } from "./layout.ts";

const EXCHANGE_NAMES = storedColumns("ai_gateway_exchanges").map(({ name }) => name);

/** What the steps between versions compute of stored values. */
export function defineUpgradeFunctions(database: Database): void {
  database.define("compact_hex", (text) => (text === null ? null : compactHex(text as string)));
  database.define("compact_name", (text) => (text === null ? null : compactName(text as string)));
  database.define("compact_role", (text) => compactRole(text as string));
  database.define("compact_call", (text) => compactId(text as string));
  // Version 2 kept a sealed exchange's row: JSON of its values, raw deflate with the batch's sample as preset dictionary.
  database.define("unpacked", (row, sample, name) => {
    const json = inflateRawSync(row as Uint8Array, { dictionary: sample as Uint8Array }).toString("utf8");
    return (JSON.parse(json) as (string | null)[])[EXCHANGE_NAMES.indexOf(name as string)] ?? null;
  });
}
