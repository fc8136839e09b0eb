import { DATASETS } from "../contract/dataset.ts";
import { HypError } from "../contract/errors.ts";
import { didYouMean } from "../kernel/suggest.ts";
import { VIEWS } from "./views.ts";
import type { ViewColumn } from "./views.ts";

export interface DatasetDescription {
  readonly name: string;
  /** A view is computed from the datasets when it is asked for. */
  readonly kind: "dataset" | "view";
  readonly description: string;
  readonly columns: readonly ViewColumn[];
}

/** Everything that can stand after FROM. */
export function describeDatasets(): readonly DatasetDescription[] {
  return [
    {
      name: "ai_gateway_messages",
      kind: "dataset",
      description: "One row per message part: text, reasoning, tool call, tool result, image, file, error",
      columns: DATASETS.ai_gateway_messages,
    },
    {
      name: "ai_gateway_exchanges",
      kind: "dataset",
      description: "One row per request and its response, with outcome, timings, tokens and cost",
      columns: DATASETS.ai_gateway_exchanges,
    },
    ...VIEWS.map(({ name, description, columns }) => ({ name, kind: "view" as const, description, columns })),
  ];
}

/** Throws HypError `unknown_dataset` with the nearest name. */
export function describeDataset(name: string): DatasetDescription {
  const known = describeDatasets();
  const found = known.find((dataset) => dataset.name === name.toLowerCase());
  if (found !== undefined) return found;
  const names = known.map((dataset) => dataset.name);
  throw new HypError("unknown_dataset", `There is no table "${name}".${didYouMean(name, names)}`);
}
