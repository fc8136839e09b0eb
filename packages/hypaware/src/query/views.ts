import type { Column, ColumnType } from "../contract/dataset.ts";

/** A view for people. Columns in order, with the type the engine gives them. */
export interface View {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly ViewColumn[];
  readonly select: string;
}

export interface ViewColumn extends Omit<Column, "type"> {
  readonly type: ColumnType | "DATE" | "STRING[]";
}

const column = (name: string, type: ViewColumn["type"], nullable = true): ViewColumn => ({
  name,
  type,
  nullable,
});

const TOKENS = [
  "input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "total_input_tokens",
  "output_tokens",
  "reasoning_tokens",
] as const;

const TOKEN_SUMS = TOKENS.map((name) => `sum(${name})::BIGINT AS ${name}`).join(", ");
const COST = "sum(cost_microusd)::DOUBLE / 1e6 AS cost_usd";
const HAS_USAGE = "(total_input_tokens IS NOT NULL OR output_tokens IS NOT NULL)";
const FAILED = `(status_code >= 400 OR outcome IN ('upstream_aborted', 'upstream_refused')
  OR (outcome = 'complete' AND error IS NOT NULL))`;

/** What a person typed: user text; context that programs add stands in tags. */
const PROMPTS = `
  SELECT conversation_id, count(DISTINCT message_id) AS prompts,
    first(content_text ORDER BY message_index, message_created_at, part_index) AS first_prompt
  FROM ai_gateway_messages
  WHERE role = 'user' AND part_type = 'text' AND NOT starts_with(ltrim(content_text), '<')
  GROUP BY conversation_id`;

const ACTIVITY = `
  min_by(client_name, started_at) AS client_name, min(started_at) AS started_at,
  max(coalesce(ended_at, started_at)) AS last_at, min_by(cwd, started_at) AS cwd,
  max_by(git_branch, started_at) AS git_branch,
  list_sort(list(DISTINCT model) FILTER (model IS NOT NULL)) AS models,
  count(DISTINCT turn_id) FILTER (request_class IN ('main', 'subagent')) AS known_turns,
  count(*) FILTER (request_class IN ('main', 'subagent') AND turn_id IS NULL) AS calls_without_turn,
  count(*) AS exchanges, count(*) FILTER (${FAILED}) AS errors, ${TOKEN_SUMS}, ${COST},
  count(*) FILTER (cost_microusd IS NULL AND ${HAS_USAGE}) AS unpriced_exchanges,
  count(DISTINCT agent_id) AS subagents`;

/** The client's own turn ids where every call has one, else the prompts. */
const TURNS =
  "CASE WHEN calls_without_turn = 0 AND known_turns > 0 THEN known_turns ELSE coalesce(prompts, 0)::BIGINT END AS turns";

const ACTIVITY_COLUMNS: readonly ViewColumn[] = [
  column("client_name", "STRING"),
  column("started_at", "TIMESTAMP"),
  column("last_at", "TIMESTAMP"),
  column("cwd", "STRING"),
  column("git_branch", "STRING"),
  column("models", "STRING[]"),
  column("turns", "INT64", false),
  column("exchanges", "INT64", false),
  column("errors", "INT64", false),
  ...TOKENS.map((name) => column(name, "INT64")),
  column("cost_usd", "DOUBLE"),
  column("unpriced_exchanges", "INT64", false),
  column("subagents", "INT64", false),
  column("first_prompt", "STRING"),
];
const ACTIVITY_SELECT = ACTIVITY_COLUMNS.map(({ name }) => (name === "turns" ? TURNS : name)).join(", ");

/** In an order in which each may use those before it. */
export const VIEWS: readonly View[] = [
  {
    name: "sessions",
    description: "One row per session of a client, with its subagents and side calls",
    columns: [column("session_id", "STRING", false), ...ACTIVITY_COLUMNS],
    select: `
      WITH activity AS (
        SELECT session_id, ${ACTIVITY} FROM ai_gateway_exchanges
        WHERE session_id IS NOT NULL GROUP BY session_id
      ), threads AS (
        SELECT DISTINCT session_id, conversation_id FROM ai_gateway_exchanges WHERE request_class = 'main'
      ), prompts AS (
        SELECT session_id, sum(prompts) AS prompts, first(first_prompt ORDER BY conversation_id) AS first_prompt
        FROM threads JOIN (${PROMPTS}) USING (conversation_id) GROUP BY session_id
      )
      SELECT session_id, ${ACTIVITY_SELECT} FROM activity LEFT JOIN prompts USING (session_id)`,
  },
  {
    name: "conversations",
    description: "One row per thread of messages: a session's main thread, and each of its subagents",
    columns: [
      column("conversation_id", "STRING", false),
      column("session_id", "STRING"),
      ...ACTIVITY_COLUMNS,
    ],
    select: `
      WITH activity AS (
        SELECT conversation_id, min_by(session_id, started_at) AS session_id, ${ACTIVITY}
        FROM ai_gateway_exchanges WHERE conversation_id IS NOT NULL GROUP BY conversation_id
      ), prompts AS (${PROMPTS})
      SELECT conversation_id, session_id, ${ACTIVITY_SELECT}
      FROM activity LEFT JOIN prompts USING (conversation_id)`,
  },
  {
    name: "usage_daily",
    description: "Tokens and cost per local day, client, model and folder",
    columns: [
      column("date", "DATE"),
      column("client_name", "STRING"),
      column("model", "STRING"),
      column("provider", "STRING"),
      column("cwd", "STRING"),
      ...TOKENS.map((name) => column(name, "INT64")),
      column("cost_usd", "DOUBLE"),
      column("exchanges", "INT64", false),
    ],
    select: `
      SELECT (started_at AT TIME ZONE 'UTC')::DATE AS date, client_name, model, provider, cwd,
        ${TOKEN_SUMS}, ${COST}, count(*) AS exchanges
      FROM ai_gateway_exchanges GROUP BY ALL`,
  },
  {
    name: "tool_calls",
    description: "One row per tool call, with its result where there is one",
    columns: [
      column("exchange_id", "STRING"),
      column("conversation_id", "STRING", false),
      column("message_id", "STRING", false),
      column("tool_call_id", "STRING"),
      column("called_at", "TIMESTAMP", false),
      column("tool_name", "STRING"),
      column("args", "JSON"),
      column("result", "STRING"),
      column("is_error", "BOOLEAN"),
      column("duration_ms", "INT64"),
    ],
    select: `
      WITH results AS (
        SELECT conversation_id, tool_result_for AS tool_call_id,
          first(content_text ORDER BY message_index, part_index) AS result,
          bool_or(is_error) AS is_error, min(message_created_at) AS answered_at
        FROM ai_gateway_messages WHERE part_type = 'tool_result' GROUP BY ALL
      )
      SELECT c.attributes->>'$.gateway.exchange_id' AS exchange_id, c.conversation_id, c.message_id, c.tool_call_id,
        c.message_created_at AS called_at, c.tool_name, c.tool_args AS args, r.result, r.is_error,
        CASE WHEN r.answered_at >= c.message_created_at
          THEN epoch_ms(r.answered_at) - epoch_ms(c.message_created_at) END AS duration_ms
      FROM ai_gateway_messages c
      LEFT JOIN results r ON r.conversation_id = c.conversation_id AND r.tool_call_id = c.tool_call_id
      WHERE c.part_type = 'tool_call'`,
  },
];
