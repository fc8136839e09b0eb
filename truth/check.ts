// One scenario in a home of its own: replayed through the gateway with its records beside it, then what the store has against the oracle,
// and what `hyp verify` says.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createContext } from "../flows/lib/context.ts";
import type { FlowContext } from "../flows/lib/flow.ts";
import { toldLines, unansweredDigests } from "./oracle/record.ts";
import { totals, usageByAnswer } from "./oracle/client-usage.ts";
import { eventsOf, type ToldUsage, usageOf } from "./oracle/usage.ts";
import { countMessages } from "./oracle/wire.ts";
import { ADAPTERS } from "./fixture-scenarios.ts";
import { Replay } from "./replay.ts";
import type { Call, Scenario } from "./scenario.ts";
import { writeRecord } from "./write-record.ts";

const UPSTREAMS = ["anthropic", "openai", "chatgpt", "gemini", "code-assist"];

export interface Tokens {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
}

export interface Checked {
  readonly client: string;
  readonly name: string;
  readonly exchanges: number;
  readonly messages: number;
  readonly parts: number;
  /** Under the client's own names, and under names made from their content. */
  readonly native: number;
  readonly fallback: number;
  readonly tokens: Tokens;
  readonly byNature: Readonly<Record<string, number>>;
  /** What is wrong, in words: found by the oracle or by `hyp verify`. */
  readonly problems: readonly string[];
}

export async function check(
  scenario: Scenario,
  onStored?: (ctx: FlowContext) => Promise<void>,
): Promise<Checked> {
  const owned = createContext(`truth-${scenario.client}-${scenario.name}`);
  const replay = await Replay.start();
  try {
    const { ctx } = owned;
    ctx.writeConfig(configFor(replay.url));
    const daemon = await ctx.startDaemon();
    await writeRecord(scenario.files, String(ctx.env["HOME"]));
    await replay.run(scenario.calls, daemon.url);
    const verified = await ctx.hyp(["verify", "--json"]);
    const checked = await compare(scenario, ctx, verified.stdout, verified.code);
    await onStored?.(ctx);
    await daemon.stop();
    return checked;
  } finally {
    await replay.close();
    await owned.dispose(false);
  }
}

/** Every adapter that there is, and each provider's traffic to ourselves. */
function configFor(url: string): object {
  const plugins = readdirSync(ADAPTERS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(
      ({ name }) =>
        JSON.parse(readFileSync(join(ADAPTERS, name, "hypaware.plugin.json"), "utf8")) as { name: string },
    )
    .map(({ name }) => ({ name }));
  const upstreams = UPSTREAMS.map((name) => ({ name, base_url: url }));
  const gateway = { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } };
  return { version: 2, plugins: [gateway, ...plugins] };
}

interface Verified {
  readonly records: readonly {
    readonly sessions: readonly {
      readonly session_id: string;
      readonly by_nature: Readonly<Record<string, number>>;
      readonly differences: readonly {
        readonly class: string;
        readonly id: string;
        readonly message: string;
      }[];
    }[];
  }[];
}

async function compare(
  scenario: Scenario,
  ctx: FlowContext,
  stdout: string,
  code: number | null,
): Promise<Checked> {
  const problems: string[] = [];
  const rows = await ctx.sql(
    `SELECT message_id, conversation_id, previous_message_id, count(*)::INT AS parts,
       bool_or(json_extract(attributes, '$.gateway.identity_source') IS NOT NULL) AS fallback
     FROM ai_gateway_messages GROUP BY ALL ORDER BY message_id`,
  );
  const exchanges = await ctx.sql(
    `SELECT response_id, coalesce(input_tokens, 0)::INT AS input, coalesce(cache_read_tokens, 0)::INT AS cache_read,
       coalesce(cache_write_tokens, 0)::INT AS cache_write, coalesce(output_tokens, 0)::INT AS output,
       total_input_tokens IS NOT NULL AS is_used,
       json_extract_string(attributes, '$.gateway.request_digest') AS request_digest
     FROM ai_gateway_exchanges`,
  );
  const expected = scenario.calls.flatMap(callsOf);
  const expectedCalls = expected.length;
  if (exchanges.length !== expectedCalls)
    problems.push(`${exchanges.length} exchanges, not ${expectedCalls}`);
  const told = expected.flatMap((answer) => usageOf(answer) ?? []);
  const stored = exchanges.filter((row) => row["is_used"] === true);
  const line = (id: unknown, numbers: readonly unknown[]): string => [id, ...numbers].join(" ");
  const toldUsage = told
    .map((each) => line(each.id, [each.input, each.cacheRead, each.cacheWrite, each.output]))
    .sort();
  const storedUsage = stored
    .map((row) =>
      line(row["response_id"], [row["input"], row["cache_read"], row["cache_write"], row["output"]]),
    )
    .sort();
  for (const each of difference(toldUsage, storedUsage)) problems.push(`usage not stored: ${each}`);
  for (const each of difference(storedUsage, toldUsage)) problems.push(`usage that no answer told: ${each}`);

  const known = new Set(storedUsage);
  for (const { id, ...each } of usageByAnswer(scenario.files)) {
    const expected = line(id, [each.input, each.cacheRead, each.cacheWrite, each.output]);
    if (!known.has(expected)) problems.push(`usage that the client wrote down is not stored: ${expected}`);
  }
  problems.push(...(await differentTotals(scenario, ctx)));

  const digests = exchanges.map((row) => String(row["request_digest"]));
  for (const each of difference(unansweredDigests(scenario.files), digests))
    problems.push(`no exchange is the attempt with the digest ${each}`);

  const lines = toldLines(scenario.files);
  const byId = Map.groupBy(rows, (row) => String(row["message_id"]));
  for (const { id, conversation, parent } of lines.values()) {
    const found = byId.get(id) ?? [];
    if (found.length !== 1) problems.push(`message ${id} is stored ${found.length} times`);
    const [row] = found;
    if (row === undefined) continue;
    if (row["conversation_id"] !== conversation)
      problems.push(`message ${id} is in ${String(row["conversation_id"])}`);
    if (parent === undefined) continue;
    const previous = JSON.stringify(row["previous_message_id"]);
    if (previous !== JSON.stringify(parent === null ? [] : [parent]))
      problems.push(`message ${id} is below ${previous}`);
  }
  for (const row of rows)
    for (const previous of (row["previous_message_id"] as string[] | null) ?? [])
      if (!byId.has(previous))
        problems.push(`the predecessor ${previous} of ${String(row["message_id"])} is not stored`);

  const isRecorded = scenario.files.length > 0;
  if (!isRecorded) {
    const count = countMessages(scenario.calls.filter((call) => call.kind === "http"));
    if (count !== byId.size) problems.push(`${byId.size} messages, not ${count}`);
  }

  const verified = JSON.parse(stdout) as Verified;
  const sessions = verified.records.flatMap((record) => record.sessions);
  const differences = sessions.flatMap((session) => session.differences);
  for (const each of differences) problems.push(`verify: [${each.class}] ${each.id} ${each.message}`);
  if (code !== (differences.length === 0 ? 0 : 1)) problems.push(`verify ended with ${code}`);

  const native = rows.filter((row) => row["fallback"] !== true).length;
  return {
    client: scenario.client,
    name: scenario.name,
    exchanges: exchanges.length,
    messages: byId.size,
    parts: rows.reduce((sum, row) => sum + Number(row["parts"]), 0),
    native,
    fallback: rows.length - native,
    tokens: sum(told),
    byNature: counts(sessions.map(({ by_nature: natures }) => natures)),
    problems,
  };
}

/** What the client added up, against the sums of its sessions' exchanges. */
async function differentTotals({ files }: Scenario, ctx: FlowContext): Promise<readonly string[]> {
  const told = totals(files);
  if (told.length === 0) return [];
  const sums = await ctx.sql(
    `SELECT session_id, model, sum(input_tokens)::INT AS input, sum(cache_read_tokens)::INT AS cache_read,
       sum(cache_write_tokens)::INT AS cache_write, sum(output_tokens)::INT AS output
     FROM ai_gateway_exchanges WHERE total_input_tokens IS NOT NULL GROUP BY ALL`,
  );
  const stored = new Set(
    sums.map((row) =>
      ["session_id", "model", "input", "cache_read", "cache_write", "output"]
        .map((name) => row[name])
        .join(" "),
    ),
  );
  return told
    .map(({ session, model, input, cacheRead, cacheWrite, output }) =>
      [session, model, input, cacheRead, cacheWrite, output].join(" "),
    )
    .flatMap((each) => (stored.has(each) ? [] : [`what the client added up is not the stored sum: ${each}`]));
}

/** Bodies of the answers of each exchange that this call is in the store. */
function callsOf(call: Call): readonly string[] {
  if (call.kind === "http") return [call.answer.body];
  if (call.status !== 101) return [""];
  const answers: string[] = [];
  for (const { side, text } of call.messages)
    if (side === "client") answers.push("");
    else answers.push(`${answers.pop() ?? ""}data: ${JSON.stringify(eventsOf(text)[0] ?? {})}\n`);
  return answers;
}

function difference(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at !== -1) left.splice(at, 1);
    return at === -1;
  });
}

function sum(told: readonly ToldUsage[]): Tokens {
  const tokens: Tokens = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
  for (const each of told)
    for (const name of Object.keys(tokens) as (keyof Tokens)[]) tokens[name] += each[name];
  return tokens;
}

function counts(each: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const all = new Map<string, number>();
  for (const natures of each)
    for (const [nature, count] of Object.entries(natures)) all.set(nature, (all.get(nature) ?? 0) + count);
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}
