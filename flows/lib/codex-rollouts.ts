import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A line of the client's own record, with the thread whose file it stands in. */
export interface RolloutLine {
  readonly thread: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface RolloutItem {
  readonly id: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** All that the person's client wrote down, file by file, oldest first. `folder`: `~/.codex`. */
export function readRollouts(folder: string): readonly RolloutLine[] {
  return readdirSync(join(folder, "sessions"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl"))
    .sort()
    .flatMap((name) =>
      readFileSync(join(folder, "sessions", name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => ({
          ...(JSON.parse(line) as Omit<RolloutLine, "thread">),
          thread: name.slice(-"00000000-0000-0000-0000-000000000000.jsonl".length, -".jsonl".length),
        })),
    );
}

/** What the model was told or said, each item once, under the thread where it was said first. */
export function itemsOf(
  lines: readonly RolloutLine[],
): ReadonlyMap<string, RolloutItem & { readonly thread: string }> {
  const items = new Map<string, RolloutItem & { readonly thread: string }>();
  for (const { thread, type, payload } of lines) {
    const told =
      type === "response_item"
        ? [payload]
        : type === "compacted"
          ? (payload["replacement_history"] as readonly object[])
          : [];
    for (const item of told as readonly RolloutItem[])
      if (!items.has(item.id)) items.set(item.id, { ...item, thread });
  }
  return items;
}
