import type { DatasetName } from "../contract/dataset.ts";
import type { Compared } from "../daemon/reprojection.ts";
import type { ChangeKind, RowSample } from "../store/row-samples.ts";
import { oneLine } from "../query/formats/text-width.ts";

const SIGNS: Readonly<Record<ChangeKind, string>> = { added: "+", changed: "~", removed: "-" };
const INDENT = "    ";
const ARROW = " → ";

/** The difference for a person. `width`: columns of the terminal. */
export function* reprojectReport(compared: Compared, width: number): Generator<string> {
  const { scope, kept, datasets, threadChanges, samples, isEmpty } = compared;
  yield `${counted(scope.exchanges, "exchange")} in ${counted(scope.conversations, "conversation")} compared\n`;
  yield* keptLine(scope.keptExchanges, scope.keptConversations, "part of their raw history is gone");
  yield* keptLine(kept.exchanges, kept.conversations, "messages would lose their native names");
  if (isEmpty) {
    yield "no difference\n";
    return;
  }
  for (const [dataset, { added, changed, removed, equal, columns }] of Object.entries(datasets)) {
    yield `${dataset.padEnd(22)} ${added} added, ${changed} changed, ${removed} removed, ${equal} equal\n`;
    const names = Object.entries(columns).map(([name, rows]) => `${name} ${rows}`);
    if (names.length > 0) yield `${INDENT}changed columns: ${names.join(", ")}\n`;
  }
  if (threadChanges > 0) yield `thread state           ${counted(threadChanges, "change")}\n`;
  for (const sample of samples) yield* sampleLines(sample, width);
  const shown = new Map<DatasetName, number>();
  for (const { dataset } of samples) shown.set(dataset, (shown.get(dataset) ?? 0) + 1);
  const rest = Object.entries(datasets).reduce(
    (sum, [dataset, { added, changed, removed }]) =>
      sum + added + changed + removed - (shown.get(dataset as DatasetName) ?? 0),
    0,
  );
  if (rest > 0) yield `… and ${counted(rest, "row")} more (--limit)\n`;
}

/** The same as data; docs/format.md has the fields. `applied`: the store is that now. */
export function reprojectJson(compared: Compared, applied: boolean): string {
  const { scope, kept, datasets, threadChanges, samples } = compared;
  const value = {
    applied,
    exchanges: scope.exchanges,
    conversations: scope.conversations,
    kept: {
      raw_history_gone: { exchanges: scope.keptExchanges, conversations: scope.keptConversations },
      native_names: kept,
    },
    datasets,
    thread_changes: threadChanges,
    samples,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function* keptLine(exchanges: number, conversations: number, reason: string): Generator<string> {
  if (exchanges === 0) return;
  yield `${counted(exchanges, "exchange")} in ${counted(conversations, "conversation")} kept: ${reason}\n`;
}

function* sampleLines({ dataset, kind, key, columns }: RowSample, width: number): Generator<string> {
  yield `${oneLine(`${SIGNS[kind]} ${dataset} ${key}`, width)}\n`;
  for (const [name, values] of Object.entries(columns)) {
    const room = Math.max(16, width - INDENT.length - name.length - 1);
    const half = Math.max(8, Math.floor((room - ARROW.length) / 2));
    const text =
      kind === "changed"
        ? `${oneLine(values.old ?? "NULL", half)}${ARROW}${oneLine(values.new ?? "NULL", half)}`
        : oneLine((kind === "added" ? values.new : values.old) ?? "NULL", room);
    yield `${INDENT}${name} ${text}\n`;
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
