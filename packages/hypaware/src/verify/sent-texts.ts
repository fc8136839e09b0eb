import type { Ask } from "./stored.ts";

/**
 * Exchanges whose rows do not have one system text and one list of tools, by their lengths. Texts are shared by many rows, so all are
 * looked at in one go.
 */
export async function unequalTexts(ask: Ask): Promise<ReadonlySet<string>> {
  const lengths = ["system_text", "tools"].map((name) => `coalesce(strlen(${name}::VARCHAR), -1)`);
  const { rows } = await ask(
    `SELECT json_extract_string(attributes, '$.gateway.exchange_id') AS exchange_id FROM ai_gateway_messages
     GROUP BY exchange_id HAVING exchange_id IS NOT NULL
       AND (${lengths.map((length) => `min(${length}) <> max(${length})`).join(" OR ")})`,
  );
  return new Set(rows.flatMap(([id]) => (typeof id === "string" ? [id] : [])));
}
