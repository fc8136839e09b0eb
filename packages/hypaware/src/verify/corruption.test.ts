// A store that is right has no difference; whatever is done to it behind its back is one.
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FixtureStore } from "./fixture-store.testkit.ts";

let stored: FixtureStore;
beforeEach(() => {
  stored = new FixtureStore();
});
afterEach(() => stored.dispose());

const MESSAGES = "ai_gateway_messages";
const EXCHANGES = "ai_gateway_exchanges";
const ANY = "true";

interface Corruption {
  readonly name: string;
  readonly table: string;
  /** Rows that it can be done to. */
  readonly where: string;
  /** One statement with the row's _seq as ?1. */
  readonly sql: string;
}

const set = (name: string, table: string, where: string, assignment: string): Corruption => ({
  name,
  table,
  where,
  sql: `UPDATE ${table} SET ${assignment} WHERE _seq = ?1`,
});
const MESSAGE_COLUMNS = (name: string, where: string, assignment: string): Corruption =>
  set(name, MESSAGES, where, assignment);
const used = "total_input_tokens IS NOT NULL";
/** Its answer is in the client's record. */
const answering = `${used} AND outcome = 'complete' AND request_class IN ('main', 'subagent')`;
const told = "provider_uuid IS NOT NULL";

const CORRUPTIONS: readonly Corruption[] = [
  { name: "row removed", table: MESSAGES, where: ANY, sql: `DELETE FROM ${MESSAGES} WHERE _seq = ?1` },
  {
    name: "exchange removed",
    table: EXCHANGES,
    where: used,
    sql: `DELETE FROM ${EXCHANGES} WHERE _seq = ?1`,
  },
  copied("row doubled as another part", MESSAGES, {
    part_id: "message_id || '#' || (part_index + 1)",
    part_index: "part_index + 1",
  }),
  copied("row doubled under another name", MESSAGES, {
    part_id: "'other#' || part_index",
    message_id: "'other'",
  }),
  copied("exchange doubled", EXCHANGES, { exchange_id: "'00' || substr(exchange_id, 3)" }, used),
  MESSAGE_COLUMNS(
    "predecessor swapped",
    ANY,
    `previous_message_id = (SELECT json_array(m.message_id) FROM ${MESSAGES} m
    WHERE json_array(m.message_id) IS NOT ${MESSAGES}.previous_message_id ORDER BY m._seq DESC LIMIT 1)`,
  ),
  MESSAGE_COLUMNS("predecessor lost", "previous_message_id != '[]'", "previous_message_id = '[]'"),
  ...["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"].map((column) =>
    set(`${column} off by one`, EXCHANGES, used, `${column} = ${column} + 1`),
  ),
  MESSAGE_COLUMNS(
    "usage of a row off by one",
    "json_extract(attributes, '$.usage') IS NOT NULL",
    "attributes = json_set(attributes, '$.usage.output_tokens', json_extract(attributes, '$.usage.output_tokens') + 1)",
  ),
  MESSAGE_COLUMNS(
    "usage of a row lost",
    "json_extract(attributes, '$.usage') IS NOT NULL",
    "attributes = json_remove(attributes, '$.usage')",
  ),
  MESSAGE_COLUMNS(
    "usage on a second row",
    "json_extract(attributes, '$.usage') IS NULL AND role = 'assistant' AND json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL",
    `attributes = json_set(attributes, '$.usage', json('{"output_tokens":1}'))`,
  ),
  MESSAGE_COLUMNS("role changed", ANY, "role = CASE role WHEN 'user' THEN 'assistant' ELSE 'user' END"),
  MESSAGE_COLUMNS("text changed", "content_text IS NOT NULL", "content_text = content_text || 'x'"),
  MESSAGE_COLUMNS("text lost", "content_text IS NOT NULL", "content_text = NULL"),
  MESSAGE_COLUMNS("part type changed", ANY, "part_type = 'file'"),
  MESSAGE_COLUMNS("call id changed", "tool_call_id IS NOT NULL", "tool_call_id = tool_call_id || 'x'"),
  MESSAGE_COLUMNS("tool changed", "part_type = 'tool_call'", "tool_name = 'Other'"),
  MESSAGE_COLUMNS(
    "arguments changed",
    "tool_args IS NOT NULL",
    "tool_args = json_set(tool_args, '$.more', 1)",
  ),
  MESSAGE_COLUMNS("result of another call", "tool_result_for IS NOT NULL", "tool_result_for = 'toolu_other'"),
  MESSAGE_COLUMNS("renamed", ANY, "message_id = 'other', part_id = 'other#' || part_index"),
  MESSAGE_COLUMNS("moved to another conversation", ANY, "conversation_id = 'elsewhere'"),
  MESSAGE_COLUMNS("native id lost", told, "provider_uuid = NULL"),
  MESSAGE_COLUMNS("parent changed", "parent_uuid IS NOT NULL", "parent_uuid = 'other'"),
  MESSAGE_COLUMNS("index off by one", ANY, "message_index = message_index + 1"),
  MESSAGE_COLUMNS("time changed", told, "message_created_at = message_created_at + 1000"),
  MESSAGE_COLUMNS("part index changed", ANY, "part_index = part_index + 1"),
  MESSAGE_COLUMNS(
    "sidechain flipped",
    `${told} AND is_sidechain IS NOT NULL`,
    "is_sidechain = 1 - is_sidechain",
  ),
  MESSAGE_COLUMNS(
    "of another exchange",
    "json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL",
    "attributes = json_set(attributes, '$.gateway.exchange_id', 'other')",
  ),
  MESSAGE_COLUMNS(
    "carried by nothing",
    "json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL AND role = 'assistant'",
    "attributes = json_remove(attributes, '$.gateway.exchange_id')",
  ),
  set("response id changed", EXCHANGES, answering, "response_id = 'msg_other'"),
  set("request id changed", EXCHANGES, used, "request_id = 'req_other'"),
  set("model changed", EXCHANGES, answering, "model = 'other'"),
  set("exchange moved to another conversation", EXCHANGES, used, "conversation_id = 'elsewhere'"),
  set("exchange moved to another session", EXCHANGES, used, "session_id = 'elsewhere'"),
];

function copied(
  name: string,
  table: string,
  changes: Readonly<Record<string, string>>,
  where = ANY,
): Corruption {
  return { name, table, where, sql: JSON.stringify(changes) };
}

/** Does it to the `pick`-th of the rows that it can be done to; false when it changed nothing. */
function corrupt({ table, where, sql }: Corruption, pick: number): boolean {
  const database = new DatabaseSync(stored.catalogPath);
  try {
    const rows = database.prepare(`SELECT _seq AS seq FROM ${table} WHERE ${where} ORDER BY _seq`).all() as {
      seq: number;
    }[];
    const row = rows[pick % Math.max(rows.length, 1)];
    if (row === undefined) return false;
    return (
      database.prepare(sql.startsWith("{") ? copy(database, table, sql) : sql).run(row.seq).changes === 1
    );
  } finally {
    database.close();
  }
}

function copy(database: DatabaseSync, table: string, changes: string): string {
  const changed = JSON.parse(changes) as Record<string, string>;
  const columns = (database.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]).map(
    ({ name }) => name,
  );
  const values = columns.map((name) =>
    name === "_seq" ? `(SELECT max(_seq) + 1 FROM ${table})` : (changed[name] ?? name),
  );
  return `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM ${table} WHERE _seq = ?1`;
}

const SEED = Number.parseInt(process.env["HYP_SEED"] ?? "7", 10);

const FIXTURES = ["subagent", "compact", "stream-cut-once"];

test.each(FIXTURES)(
  `%s: a store that is right has no difference, and each corruption of it is one (HYP_SEED=${SEED})`,
  async (fixture) => {
    await stored.fill(fixture);
    expect((await stored.verified()).differences).toEqual([]);
    const own = FIXTURES.indexOf(fixture);
    const unseen: string[] = [];
    for (const [index, corruption] of CORRUPTIONS.entries()) {
      const needsTools = corruption.where.includes("tool_");
      if ((needsTools ? 0 : (index + SEED) % FIXTURES.length) !== own) continue;
      stored.restore();
      const pick = SEED * 31 + index * 17;
      expect(corrupt(corruption, pick), corruption.name).toBe(true);
      if ((await stored.verified()).differences.length === 0) unseen.push(`${corruption.name} (${pick})`);
    }
    expect(unseen).toEqual([]);
  },
  60_000,
);

test("there are thirty of them and more", () => expect(CORRUPTIONS.length).toBeGreaterThanOrEqual(30));
