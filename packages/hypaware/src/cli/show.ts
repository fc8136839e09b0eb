import type { Command } from "commander";
import { join } from "node:path";
import type { ExchangeRow } from "../contract/dataset.ts";
import { HypError } from "../contract/errors.ts";
import type { CapturedExchange, RawHeaders } from "../contract/frame.ts";
import { readExchange } from "../journal/assemble.ts";
import { openCatalog } from "../store/catalog.ts";
import type { StoredExchange } from "../store/exchanges.ts";
import { type CliContext, withApp } from "./context.ts";
import { refreshed } from "./query.ts";

const WIDTH = 100;

export function registerShow(program: Command, context: CliContext): void {
  program
    .command("show")
    .argument("<exchange>", "exchange id, or its first characters")
    .description("one exchange: what it was, how it ended, the messages it brought")
    .option(
      "--raw",
      "the recorded bytes instead: request, then response, as on the wire; of a WebSocket each side's frames",
    )
    .addHelpText("after", "\nExamples:\n  hyp show 3f2a\n  hyp show 3f2a --raw > exchange.http\n")
    .action((id: string, options: { raw?: boolean }) =>
      withApp(context, "show", {}, async (app) => {
        await refreshed(app, context, "auto");
        const stored = find(app.paths.catalog, id);
        if (options.raw === true) {
          const { runId, from, to } = stored.span;
          const run = join(app.paths.journal, runId);
          const captured = await readExchange(run, stored.row.exchange_id, from, to);
          if (captured === undefined)
            throw new HypError(
              "unknown_exchange",
              `The journal of exchange ${stored.row.exchange_id} is damaged.`,
            );
          writeRaw(context, captured);
          return;
        }
        context.stdout.write(summaryOf(stored.row));
        const { runQuery } = await import("../query/run.ts");
        const { renderResult } = await import("../query/formats/render.ts");
        const messages = await runQuery({
          catalogPath: app.paths.catalog,
          tmpDir: app.paths.tmp,
          sql: `select message_index as "#", role, part_type as part, coalesce(content_text, tool_args::varchar) as content
                from ai_gateway_messages where attributes->'gateway'->>'exchange_id' = '${stored.row.exchange_id}'
                order by message_index, part_index`,
        });
        const width = context.stdout.isTTY ? context.stdout.columns : WIDTH;
        if (messages.rows.length > 0)
          for (const piece of renderResult(messages, "table", { width })) context.stdout.write(piece);
      }),
    );
}

function find(catalogPath: string, id: string): StoredExchange {
  const catalog = openCatalog(catalogPath, { readOnly: true });
  try {
    const found = catalog.exchange(id.toLowerCase());
    if (found === undefined) throw new HypError("unknown_exchange", `No exchange has the id "${id}".`);
    if (found === "ambiguous")
      throw new HypError("unknown_exchange", `Several exchanges begin with "${id}".`, {
        next: "Give more characters of the id.",
      });
    return found;
  } finally {
    catalog.close();
  }
}

function summaryOf(row: ExchangeRow): string {
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

/** A terminal gets text that cannot steer it; a file or a pipe gets the bytes. */
function writeRaw(
  { stdout }: CliContext,
  { open, requestBody, responseHead, response, websocket = [] }: CapturedExchange,
): void {
  const write = (bytes: Buffer | string): void => {
    stdout.write(stdout.isTTY ? neutral(bytes.toString()) : bytes);
  };
  write(`${open.method} ${open.target} HTTP/${open.httpVersion}\r\n${headerLines(open.headers)}\r\n`);
  write(requestBody);
  for (const { side, bytes } of websocket) if (side === "client") write(bytes);
  if (responseHead === null) return;
  write(
    `\r\n\r\nHTTP/1.1 ${responseHead.status} ${responseHead.statusText}\r\n${headerLines(responseHead.headers)}\r\n`,
  );
  for (const { bytes } of response) write(bytes);
  for (const { side, bytes } of websocket) if (side === "server") write(bytes);
}

function headerLines(headers: RawHeaders): string {
  let lines = "";
  for (let i = 0; i + 1 < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}

/** Control characters other than line ends and tabs are shown as a dot. */
function neutral(text: string): string {
  return text.replace(/(?![\n\r\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "·");
}
