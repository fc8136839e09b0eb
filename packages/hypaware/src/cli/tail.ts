import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.ts";
import type { ExchangeRow } from "../contract/dataset.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { type CliContext, withApp } from "./context.ts";
import { neutral } from "./neutral.ts";
import { wholeNumber } from "./number-option.ts";
import { refreshed } from "./query/refreshed.ts";

const POLL_MS = 250;
const BATCH = 200;
const DEFAULT_LAST = 10;

interface TailOptions {
  readonly last: number;
  readonly json?: boolean;
  readonly follow: boolean;
}

export function registerTail(program: Command, context: CliContext): void {
  program
    .command("tail")
    .description("a line for each exchange as it ends, until Ctrl-C")
    .option("-n, --last <count>", "begin with the last ones", wholeNumber, DEFAULT_LAST)
    .option("--no-follow", "only those, then end")
    .option("--json", "one JSON object a line, all columns")
    .addHelpText(
      "after",
      "\nExamples:\n  hyp tail\n  hyp tail -n 50 --no-follow\n  hyp tail --json | jq .model\n",
    )
    .action((options: TailOptions) => withApp(context, "tail", {}, (app) => follow(app, context, options)));
}

async function follow(app: App, context: CliContext, options: TailOptions): Promise<void> {
  let seq: number | undefined;
  do {
    await refreshed(app, context, "auto");
    const catalog = openCatalog(app.paths.catalog, { readOnly: true });
    try {
      seq = printSince(
        catalog,
        context,
        seq ?? catalog.seqOfLastExchanges(options.last),
        options.json === true,
      );
    } finally {
      catalog.close();
    }
    if (options.follow) await sleep(POLL_MS);
  } while (options.follow);
}

/** Prints what came after `seq`; returns where to go on. */
function printSince(catalog: Catalog, { stdout }: CliContext, seq: number, asJson: boolean): number {
  let at = seq;
  for (;;) {
    const batch = catalog.exchangesSince(at, BATCH);
    for (const { row } of batch) stdout.write(`${asJson ? JSON.stringify(row) : lineOf(row)}\n`);
    at = batch.at(-1)?.seq ?? at;
    if (batch.length < BATCH) return at;
  }
}

/** `12:03:04 3f2a81c0 <client> main 200 <model> 3012>21 tokens 1.2 s POST /v1/messages` */
function lineOf(row: ExchangeRow): string {
  const parts = [
    row.started_at === null ? "--:--:--" : new Date(row.started_at).toTimeString().slice(0, 8),
    row.exchange_id.slice(0, 8),
    (row.client_name ?? "-").padEnd(8),
    row.request_class.padEnd(12),
    String(row.status_code ?? "---"),
    row.outcome === "complete" ? "" : row.outcome,
    row.model ?? "",
    row.output_tokens === null ? "" : `${row.total_input_tokens ?? "?"}>${row.output_tokens} tokens`,
    row.duration_ms === null ? "" : `${(row.duration_ms / 1000).toFixed(1)} s`,
    `${row.method ?? "?"} ${row.path ?? "?"}`,
    row.error ?? "",
  ];
  return neutral(parts.filter((part) => part !== "").join(" ")).replaceAll(/[\r\n]+/g, " ");
}
