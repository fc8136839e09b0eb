import { join } from "node:path";
import type { App } from "../../app.ts";
import type { ExchangeRow } from "../../contract/dataset.ts";
import type { CapturedExchange } from "../../contract/frame.ts";
import { scanFrames } from "../../journal/reader.ts";
import { createLogger } from "../../kernel/log.ts";
import { toRecord } from "../../projection/record.ts";
import { selectProjection } from "../../projection/select.ts";
import type { ExchangeSpan } from "../../store/exchanges.ts";
import { neutral } from "../neutral.ts";

/** Why an exchange became what it is: route, frames, projectors, messages, rows. The projectors are asked again. */
export async function explanationOf(
  app: App,
  row: ExchangeRow,
  span: ExchangeSpan,
  captured: CapturedExchange,
): Promise<string> {
  const { upstream, routeReason } = captured.open;
  const lines = [
    ["route", upstream === null ? "no upstream matches" : `${upstream}, because of ${routeReason}`],
    ["journal", `run ${span.runId}`],
    ...framesOf(app, span, row.exchange_id).map((frame) => ["", frame]),
    ...(await projectorLines(app, captured)),
    ["rows", `${row.rows_written} written when it was projected; the rest was known`],
  ];
  return lines.map(([name = "", text = ""]) => `${name.padEnd(13)}${neutral(text)}\n`).join("");
}

function framesOf({ paths }: App, { runId, from, to }: ExchangeSpan, exchangeId: string): string[] {
  const entries = scanFrames(join(paths.journal, runId), from, { to, exchangeId });
  return [...entries].map(({ position, next, frame }) => {
    const bytes = next.segment === position.segment ? next.offset - position.offset : 0;
    const place = `segment ${position.segment} at ${position.offset}`;
    return `${frame.kind.padEnd(15)}${place}, ${bytes} bytes`;
  });
}

async function projectorLines(app: App, captured: CapturedExchange): Promise<string[][]> {
  const { record, decodeError } = await toRecord(captured);
  const projectors = app.registry.projectors();
  const selection = await selectProjection(record, projectors, createLogger([]));
  const lines = projectors.map((projector) => {
    const isWinner = projector.name === selection.projector;
    const verdict = isWinner
      ? `chosen: ${selection.status}`
      : selection.coMatches.includes(projector.name)
        ? "matches, but another goes before it"
        : "does not match";
    return ["projector", `${projector.name} (priority ${projector.priority ?? 0}) ${verdict}`];
  });
  const { projection } = selection;
  return [
    ...(decodeError === null ? [] : [["decoding", decodeError]]),
    ...(lines.length === 0 ? [["projector", "none is active"]] : lines),
    ...(projection === null ? [] : [["messages", `${projection.suppliedMessages} in request and answer`]]),
  ];
}
