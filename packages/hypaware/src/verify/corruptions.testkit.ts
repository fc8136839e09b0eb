// What can go wrong with a store behind its back, each kind as one statement.

import { DatabaseSync } from "node:sqlite";

export interface Corruption {
  readonly name: string;
  readonly table: string;
  /** Rows that it can be done to so that something that is stored or recorded tells of it (docs/truth.md). */
  readonly where: string;
  /** One statement with the row's _seq as ?1; of a copy the columns that are other than the row's. */
  readonly does: string | Readonly<Record<string, string>>;
}

const MESSAGES = "ai_gateway_messages";
const EXCHANGES = "ai_gateway_exchanges";
const ANY = "true";

const set =
  (table: string) =>
  (name: string, where: string, assignment: string): Corruption => ({
    name,
    table,
    where,
    does: `UPDATE ${table} SET ${assignment} WHERE _seq = ?1`,
  });
const row = set(MESSAGES);
const exchange = set(EXCHANGES);
const changed = (column: string, value = "'other'", where = ANY): Corruption =>
  row(
    `${column} changed`,
    `${column} IS NOT NULL AND ${column} IS NOT ${value} AND ${where}`,
    `${column} = ${value}`,
  );
const removed = (name: string, table: string, where: string): Corruption => ({
  name,
  table,
  where,
  does: `DELETE FROM ${table} WHERE _seq = ?1`,
});

const attribute = (path: string): string => `json_extract(attributes, '$.${path}')`;
const setAttribute = (path: string, value: string): string =>
  `attributes = json_set(attributes, '$.${path}', ${value})`;

const used = "total_input_tokens IS NOT NULL";
/** In the record of its client. */
const told = "message_id IN (SELECT message_id FROM record_messages)";
const carried = `${attribute("gateway.exchange_id")} IS NOT NULL`;
/** Exchanges that brought a row of that kind. */
const bringing = (row: string): string =>
  `exchange_id IN (SELECT ${attribute("gateway.exchange_id")} FROM ${MESSAGES} WHERE ${row})`;
const answered = `${used} AND outcome = 'complete' AND ${bringing(`${attribute("usage")} IS NOT NULL`)}`;
/** Its exchange brought more than this one. */
const accompanied = `${carried} AND 1 < (SELECT count(*) FROM ${MESSAGES} m
  WHERE json_extract(m.attributes, '$.gateway.exchange_id') = json_extract(${MESSAGES}.attributes, '$.gateway.exchange_id'))`;
/** Of what no client wrote down, the text that somebody said, and no more, is known by what identity remembers. */
const remembered = `(${told} OR (role = 'user' AND ${attribute("gateway.identity_source")} IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM ${MESSAGES} m WHERE m.message_id = ${MESSAGES}.message_id AND m.part_type <> 'text')))`;

export const CORRUPTIONS: readonly Corruption[] = [
  removed("row removed", MESSAGES, ANY),
  removed("exchange removed", EXCHANGES, `${used} AND ${bringing(ANY)}`),
  {
    name: "row doubled as another part",
    table: MESSAGES,
    where: `NOT EXISTS (SELECT 1 FROM ${MESSAGES} m WHERE m.part_id = ${MESSAGES}.message_id || '#' || (${MESSAGES}.part_index + 1))`,
    does: { part_id: "message_id || '#' || (part_index + 1)", part_index: "part_index + 1" },
  },
  {
    name: "row doubled under another name",
    table: MESSAGES,
    where: ANY,
    does: { part_id: "'other#' || part_index", message_id: "'other'" },
  },
  {
    name: "exchange doubled",
    table: EXCHANGES,
    where: `${used} AND response_id IS NOT NULL`,
    does: { exchange_id: "'00' || substr(exchange_id, 3)" },
  },
  row(
    "predecessor swapped",
    ANY,
    `previous_message_id = (SELECT json_array(m.message_id) FROM ${MESSAGES} m
    WHERE json_array(m.message_id) IS NOT ${MESSAGES}.previous_message_id ORDER BY m._seq DESC LIMIT 1)`,
  ),
  row("predecessor lost", "previous_message_id != '[]'", "previous_message_id = '[]'"),
  row("role changed", ANY, "role = CASE role WHEN 'user' THEN 'assistant' ELSE 'user' END"),
  row("text changed", `content_text IS NOT NULL AND ${remembered}`, "content_text = content_text || 'x'"),
  row("text lost", `content_text IS NOT NULL AND ${remembered}`, "content_text = NULL"),
  row("part type changed", ANY, "part_type = 'file'"),
  row("call id changed", "tool_call_id IS NOT NULL", "tool_call_id = tool_call_id || 'x'"),
  row("tool changed", "part_type = 'tool_call'", "tool_name = 'Other'"),
  row("tool of a result lost", "part_type = 'tool_result' AND tool_name IS NOT NULL", "tool_name = NULL"),
  row("arguments changed", `tool_args IS NOT NULL AND ${told}`, `tool_args = '{"other":1}'`),
  row("result of another call", "tool_result_for IS NOT NULL", "tool_result_for = 'toolu_other'"),
  row(
    "failure of a result flipped",
    "part_type = 'tool_result'",
    "is_error = iif(is_error IS NULL, 1, NULL)",
  ),
  row("renamed", ANY, "message_id = 'other', part_id = 'other#' || part_index"),
  row("moved to another conversation", ANY, "conversation_id = 'elsewhere'"),
  row("native id lost", "provider_uuid IS NOT NULL", "provider_uuid = NULL"),
  row("parent changed", "parent_uuid IS NOT NULL", "parent_uuid = 'other'"),
  row("index off by one", ANY, "message_index = message_index + 1"),
  row("part index changed", ANY, "part_index = part_index + 1"),
  row("time changed", told, "message_created_at = message_created_at + 1000"),
  row("beginning changed", ANY, "conversation_started_at = conversation_started_at + 5000"),
  changed("date", "'2001-01-01'"),
  row("sidechain flipped", `${told} AND is_sidechain IS NOT NULL`, "is_sidechain = 1 - is_sidechain"),
  changed("model", "'other'", `(${told} OR ${carried})`),
  row("model lost", `model IS NOT NULL AND (${told} OR ${carried})`, "model = NULL"),
  changed("provider", "'other'", `(${told} OR ${carried})`),
  changed("gateway_id", "'other'", carried),
  changed("conversation_source", "'other'", `(${accompanied} OR (${told} AND NOT ${carried}))`),
  row(
    "signature changed",
    `thinking_signature IS NOT NULL AND ${told} AND conversation_source IN ('claude_code', 'codex')`,
    "thinking_signature = 'x'",
  ),
  row("status lost", "json_extract(status, '$.tool_status') IS NOT NULL", "status = NULL"),
  row(
    "reason of an end changed",
    `json_extract(status, '$.finish_reason') IS NOT NULL AND ${attribute("usage")} IS NOT NULL AND ${carried}`,
    "status = json_set(status, '$.finish_reason', 'other')",
  ),
  row("system text lost", `system_text IS NOT NULL AND ${accompanied}`, "system_text = NULL"),
  row("tools lost", `tools IS NOT NULL AND ${accompanied}`, "tools = NULL"),
  row(
    "line lost",
    `raw_frame IS NOT NULL AND coalesce(json_extract(raw_frame, '$.response_id'), json_extract(raw_frame, '$.finish_reason')) IS NULL AND ${told}`,
    "raw_frame = NULL",
  ),
  row("summary's facts lost", "compact_metadata IS NOT NULL", "compact_metadata = NULL"),
  row("summary's mark lost", `is_compact_summary IS NOT NULL AND ${told}`, "is_compact_summary = NULL"),
  row("request id of a row changed", "request_id IS NOT NULL", "request_id = 'req_other'"),
  row("turn of a row changed", `prompt_id IS NOT NULL AND role = 'assistant'`, "prompt_id = 'other'"),
  row("fallback's mark added", told, setAttribute("gateway.identity_source", "'gateway_fallback'")),
  row("of another exchange", carried, setAttribute("gateway.exchange_id", "'other'")),
  row(
    "of a neighbour's exchange",
    `${carried} AND 1 < (SELECT count(*) FROM ${EXCHANGES})`,
    setAttribute(
      "gateway.exchange_id",
      `(SELECT exchange_id FROM ${EXCHANGES} WHERE exchange_id IS NOT json_extract(${MESSAGES}.attributes, '$.gateway.exchange_id') ORDER BY _seq DESC LIMIT 1)`,
    ),
  ),
  row("carried by nothing", carried, "attributes = json_remove(attributes, '$.gateway.exchange_id')"),
  row(
    "of another session",
    `${attribute("gateway.session_id")} IS NOT NULL`,
    setAttribute("gateway.session_id", "'other'"),
  ),
  row("of another class", carried, setAttribute("gateway.request_class", "'other'")),
  row(
    "of another status",
    `${carried} AND ${attribute("gateway.status_code")} IS NOT NULL`,
    setAttribute("gateway.status_code", "418"),
  ),
  row(
    "usage of a row off by one",
    `${attribute("usage")} IS NOT NULL`,
    setAttribute("usage.output_tokens", `coalesce(${attribute("usage.output_tokens")}, 0) + 1`),
  ),
  row(
    "usage of a row lost",
    `${attribute("usage")} IS NOT NULL`,
    "attributes = json_remove(attributes, '$.usage')",
  ),
  row(
    "usage on a second row",
    `${attribute("usage")} IS NULL AND role = 'assistant' AND ${carried}`,
    setAttribute("usage", `json('{"output_tokens":1}')`),
  ),
  ...["input_tokens", "cache_read_tokens", "cache_write_tokens", "total_input_tokens"].map((column) =>
    exchange(`${column} off by one`, used, `${column} = ${column} + 1`),
  ),
  exchange("output_tokens off by one", answered, "output_tokens = output_tokens + 1"),
  ...["cache_write_5m_tokens", "cache_write_1h_tokens"].map((column) =>
    exchange(`${column} off by one`, `${column} IS NOT NULL`, `${column} = ${column} + 1`),
  ),
  exchange("response id changed", answered, "response_id = 'msg_other'"),
  exchange("response id lost", `${answered} AND response_id IS NOT NULL`, "response_id = NULL"),
  exchange("request id changed", `${answered} AND request_id IS NOT NULL`, "request_id = 'req_other'"),
  exchange(
    "model of an exchange changed",
    `${answered} AND provider <> 'google' AND ${bringing(`${told} AND ${attribute("usage")} IS NOT NULL`)}`,
    "model = 'other'",
  ),
  exchange("exchange moved to another conversation", used, "conversation_id = 'elsewhere'"),
  exchange(
    "exchange moved to another session",
    `${used} AND session_id IS NOT NULL`,
    "session_id = 'elsewhere'",
  ),
  exchange(
    "class of an exchange changed",
    `${answered} AND request_class <> 'title'`,
    "request_class = 'title'",
  ),
  exchange("status code changed", answered, "status_code = 500"),
  exchange("outcome changed", answered, "outcome = 'upstream_aborted'"),
  exchange(
    "reason of an answer's end changed",
    `${answered} AND stop_reason IS NOT NULL`,
    "stop_reason = 'other'",
  ),
  exchange("turn of an exchange changed", `${answered} AND turn_id IS NOT NULL`, "turn_id = 'other'"),
  exchange("agent changed", `${answered} AND agent_id IS NOT NULL`, "agent_id = 'other'"),
  exchange("provider of an exchange changed", answered, "provider = 'other'"),
  exchange("model of an exchange lost", `${answered} AND model IS NOT NULL`, "model = NULL"),
  exchange(
    "requested model changed",
    `${answered} AND requested_model IS NOT NULL`,
    "requested_model = 'other'",
  ),
  exchange("beginning of an exchange changed", used, "started_at = started_at + 1000"),
  exchange("end of an exchange changed", used, "ended_at = ended_at + 1000"),
  exchange("duration changed", used, "duration_ms = duration_ms + 1000"),
  exchange("decode status changed", answered, "decode_status = 'no_messages'"),
  exchange("socket flipped", used, "is_websocket = 1 - is_websocket"),
  exchange(
    "conversation of an exchange lost",
    `${used} AND conversation_id IS NOT NULL`,
    "conversation_id = NULL",
  ),
  exchange("path changed", answered, "path = '/other'"),
  exchange("bytes off by one", answered, "response_bytes = response_bytes + 1"),
];

/** Does it to the `pick`-th of the rows that it can be done to; false: there are none. */
export function corrupt(path: string, { table, where, does }: Corruption, pick: number): boolean {
  const database = new DatabaseSync(path);
  try {
    const rows = database.prepare(`SELECT _seq AS seq FROM ${table} WHERE ${where} ORDER BY _seq`).all() as {
      seq: number;
    }[];
    const found = rows[pick % Math.max(rows.length, 1)];
    if (found === undefined) return false;
    const sql = typeof does === "string" ? does : copying(database, table, does);
    return database.prepare(sql).run(found.seq).changes === 1;
  } finally {
    database.close();
  }
}

function copying(database: DatabaseSync, table: string, changes: Readonly<Record<string, string>>): string {
  const columns = (database.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]).map(
    ({ name }) => name,
  );
  const values = columns.map((name) =>
    name === "_seq" ? `(SELECT max(_seq) + 1 FROM ${table})` : (changes[name] ?? name),
  );
  return `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM ${table} WHERE _seq = ?1`;
}
