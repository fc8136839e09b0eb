import type { Command } from "commander";
import type { App } from "../../app.ts";
import type { ExchangeRow } from "../../contract/dataset.ts";
import { HypError } from "../../contract/errors.ts";
import type { CapturedExchange } from "../../contract/frame.ts";
import { readCaptured } from "../../daemon/read-captured.ts";
import { callsOf } from "../../projection/socket-calls.ts";
import { renderResult } from "../../query/formats/render.ts";
import { openCatalog } from "../../store/catalog.ts";
import type { StoredExchange } from "../../store/exchanges.ts";
import { type CliContext, withApp } from "../context.ts";
import { refreshed } from "../query/refreshed.ts";
import { explanationOf } from "./explain.ts";
import { writeRaw } from "./raw.ts";
import { summaryOf } from "./summary.ts";
import { tableWidth } from "../terminal.ts";

interface ShowOptions {
  readonly raw?: boolean;
  readonly explain?: boolean;
}

export function registerShow(program: Command, context: CliContext): void {
  program
    .command("show")
    .argument("<id>", "exchange id or its first characters, or a session id")
    .description("one exchange: what it was, how it ended, the messages it brought; or a session's exchanges")
    .option(
      "--raw",
      "the recorded bytes instead: request, then response, as on the wire; of a WebSocket each side's frames",
    )
    .option("--explain", "why: route, frames, projectors, messages, rows")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp show 3f2a\n  hyp show 3f2a --raw > exchange.http\n  hyp show 3f2a --explain\n  hyp show <session id>\n",
    )
    .action((id: string, options: ShowOptions) =>
      withApp(context, "show", {}, async (app) => {
        await refreshed(app, context, "auto");
        const stored = find(app.paths.catalog, id);
        if (stored === undefined) await showSession(app, context, id);
        else if (options.raw === true) writeRaw(context, await capturedOf(app, stored));
        else {
          const row = await rowOf(app, stored);
          context.stdout.write(summaryOf(row));
          if (options.explain === true)
            context.stdout.write(await explanationOf(app, row, stored.span, await capturedOf(app, stored)));
          await showMessages(app, context, stored.exchangeId);
        }
      }),
    );
}

/** Undefined: no exchange has such an id. */
function find(catalogPath: string, id: string): StoredExchange | undefined {
  const catalog = openCatalog(catalogPath, { readOnly: true });
  try {
    const found = catalog.exchange(id.toLowerCase());
    if (found === "ambiguous")
      throw new HypError("unknown_exchange", `Several exchanges begin with "${id}".`, {
        next: "Give more characters of the id.",
      });
    return found;
  } finally {
    catalog.close();
  }
}

async function rowOf({ paths }: App, { row, exchangeId }: StoredExchange): Promise<ExchangeRow> {
  if (row !== null) return row;
  const { exchangeRow } = await import("../../query/exchange-row.ts");
  const sealed = await exchangeRow({ catalogPath: paths.catalog, tmpDir: paths.tmp }, exchangeId);
  if (sealed === undefined)
    throw new HypError("unknown_exchange", `The row of exchange ${exchangeId} is gone.`, {
      next: "hyp store verify says whether the store is whole.",
    });
  return sealed;
}

async function capturedOf(
  { paths, registry, log }: App,
  { exchangeId, span }: StoredExchange,
): Promise<CapturedExchange> {
  const captured = await readCaptured(paths.journal, exchangeId, span, (connection) =>
    callsOf(connection, registry.projectors(), log),
  );
  if (captured === undefined)
    throw new HypError("unknown_exchange", `The journal of exchange ${exchangeId} is damaged or gone.`, {
      next: "Its rows are still there: hyp query sql.",
    });
  return captured;
}

function showMessages(app: App, context: CliContext, exchangeId: string): Promise<number> {
  return print(
    app,
    context,
    `select message_index as "#", role, part_type as part, coalesce(content_text, tool_args::varchar) as content
       from ai_gateway_messages where attributes->'gateway'->>'exchange_id' = '${exchangeId}'
      order by message_index, part_index`,
  );
}

async function showSession(app: App, context: CliContext, id: string): Promise<void> {
  const exchanges = await print(
    app,
    context,
    `select exchange_id[:8] as exchange, started_at, request_class as class, agent_id as agent, status_code as status,
            outcome, model, total_input_tokens as "in", output_tokens as out, rows_written as "rows"
       from ai_gateway_exchanges where session_id = '${id.replaceAll("'", "''")}' order by started_at`,
  );
  if (exchanges === 0) throw new HypError("unknown_exchange", `No exchange or session has the id "${id}".`);
}

/** Prints the result unless it is empty. Resolves with the number of rows. */
async function print({ paths }: App, { stdout }: CliContext, sql: string): Promise<number> {
  const { runQuery } = await import("../../query/run.ts");
  const result = await runQuery({ catalogPath: paths.catalog, tmpDir: paths.tmp, sql });
  const width = tableWidth(stdout);
  if (result.rows.length > 0)
    for (const piece of renderResult(result, "table", { width })) stdout.write(piece);
  return result.rows.length;
}
