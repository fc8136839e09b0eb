// What clients themselves say that their calls cost, read from their files: call by call, and what they added up. Shares no code with
// the product.

import type { RecordFile } from "../scenario.ts";
import type { ToldUsage } from "./usage.ts";

export interface ToldTotal extends Omit<ToldUsage, "id"> {
  readonly session: string;
  readonly model: string;
}

type Loose = { readonly [name: string]: unknown };

/** By the provider's id of the answer. Of an answer that broke off the client does not know. */
export function usageByAnswer(files: readonly RecordFile[]): readonly ToldUsage[] {
  const told = new Map<string, ToldUsage>();
  for (const line of files.flatMap(linesOf)) {
    const usage = anthropicLine(line) ?? responsesLine(line);
    if (usage !== undefined) told.set(usage.id, usage);
  }
  return [...told.values()];
}

/** The last that was written of each session, by model. A fork's go on from those of the session that it left: these are left out, as are sessions with an answer that broke off, of which the client guesses. */
export function totals(files: readonly RecordFile[]): readonly ToldTotal[] {
  const told = new Map<string, readonly ToldTotal[]>();
  const others = new Set<string>();
  for (const line of files.flatMap(linesOf)) {
    const session = String(line["sessionId"]);
    if (line["requestSessionId"] !== undefined || line["isAbortedMidStream"] === true) others.add(session);
    // How the client asks on after an answer that broke off.
    if (line["turnCompanion"] === true) others.add(session);
    if (line["type"] !== "cost-state") continue;
    const byModel = Object.entries((line["modelUsage"] ?? {}) as Record<string, Loose>);
    told.set(
      session,
      byModel.map(([model, counts]) => ({
        session,
        model,
        input: number(counts["inputTokens"]),
        cacheRead: number(counts["cacheReadInputTokens"]),
        cacheWrite: number(counts["cacheCreationInputTokens"]),
        output: number(counts["outputTokens"]),
      })),
    );
  }
  return [...told].flatMap(([session, each]) => (others.has(session) ? [] : each));
}

function linesOf({ path, text }: RecordFile): readonly Loose[] {
  if (!/^\.(?:claude|codex)\/.*\.jsonl$/.test(path)) return [];
  return text.split("\n").flatMap((line): Loose[] => (line === "" ? [] : [JSON.parse(line) as Loose]));
}

function anthropicLine(line: Loose): ToldUsage | undefined {
  const message = line["message"] as Loose | undefined;
  const usage = message?.["usage"] as Loose | undefined;
  const isWhole = typeof message?.["stop_reason"] === "string" && line["isAbortedMidStream"] !== true;
  if (line["type"] !== "assistant" || usage === undefined || !isWhole) return undefined;
  if (message["model"] === "<synthetic>") return undefined;
  return {
    id: String(message["id"]),
    input: number(usage["input_tokens"]),
    cacheRead: number(usage["cache_read_input_tokens"]),
    cacheWrite: number(usage["cache_creation_input_tokens"]),
    output: number(usage["output_tokens"]),
  };
}

function responsesLine({ type, payload }: Loose): ToldUsage | undefined {
  if (type !== "token_usage_record") return undefined;
  const { response_id: id, usage } = payload as { readonly response_id: unknown; readonly usage: Loose };
  const [cacheRead, cacheWrite] = [
    number(usage["cached_input_tokens"]),
    number(usage["cache_write_input_tokens"]),
  ];
  const input = number(usage["input_tokens"]) - cacheRead - cacheWrite;
  return { id: String(id), input, cacheRead, cacheWrite, output: number(usage["output_tokens"]) };
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0);
