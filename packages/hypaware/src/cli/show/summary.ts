import type { ExchangeRow } from "../../contract/dataset.ts";
import { neutral } from "../neutral.ts";

/** What an exchange was and how it ended, a fact a line. */
export function summaryOf(row: ExchangeRow): string {
  const facts: readonly (readonly [string, string | number | null])[] = [
    ["exchange", row.exchange_id],
    ["request", `${row.method ?? "?"} ${row.path ?? "?"}`],
    ["upstream", row.upstream],
    [
      "client",
      [row.client_name, row.client_version, row.entrypoint].filter((part) => part !== null).join(" "),
    ],
    ["started", row.started_at],
    ["outcome", [row.outcome, row.status_code, row.error].filter((part) => part !== null).join(", ")],
    ["time", `${row.duration_ms ?? "?"} ms, first byte after ${row.ttfb_ms ?? "?"} ms`],
    ["bytes", `${row.request_bytes ?? 0} sent, ${row.response_bytes ?? 0} received`],
    [
      "projected",
      [row.decode_status, row.projector, row.request_class].filter((part) => part !== null).join(", "),
    ],
    ["session", row.session_id],
    ["conversation", row.conversation_id],
    ["model", row.model],
    ["tokens", tokensOf(row)],
    ["rows", row.rows_written],
  ];
  return facts
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name.padEnd(13)}${neutral(String(value))}\n`)
    .join("");
}

function tokensOf(row: ExchangeRow): string | null {
  if (row.output_tokens === null && row.total_input_tokens === null) return null;
  return `${row.total_input_tokens ?? "?"} in (${row.cache_read_tokens ?? 0} from cache), ${row.output_tokens ?? "?"} out`;
}
