// The runs that the repository brings: exchanges as the adapters' tests have them, cut down, beside the client's record cut in the same
// places. What the recorder sees of them is what it saw of the whole captures.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Call, HeaderList, HttpCall, RecordFile, Scenario } from "./scenario.ts";

/** A folder per adapter that ships. */
export const ADAPTERS = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "packages",
  "hypaware",
  "src",
  "adapters",
);
/** How the record of a run is called beside it, and where the client has it below the person's home. */
const RECORDS = {
  transcript: ".claude/projects",
  rollout: ".codex/sessions",
  chats: ".gemini/tmp",
} as const;

interface FixtureExchange {
  readonly exchange_id: string;
  readonly ts_start: string;
  readonly ts_end: string | null;
  readonly method: string;
  readonly path: string;
  readonly status_code: number | null;
  readonly request_headers: string;
  readonly request_body: string | null;
  readonly response_headers: string | null;
  readonly response_body: string | null;
  readonly is_sse: boolean;
  readonly stream_events: readonly { readonly event: string; readonly data: string }[];
  readonly outcome: string;
}

export function fixtureScenarios(): readonly Scenario[] {
  return readdirSync(ADAPTERS)
    .sort()
    .flatMap((client) => {
      const folder = join(ADAPTERS, client, "fixtures");
      if (!existsSync(folder)) return [];
      return readdirSync(folder)
        .sort()
        .filter((file) => /^[\w-]+\.json$/.test(file))
        .map((file) => readScenario(client, folder, file.slice(0, -".json".length)));
    });
}

function readScenario(client: string, folder: string, name: string): Scenario {
  const exchanges = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as FixtureExchange[];
  const calls = Map.groupBy(exchanges, ({ exchange_id: id }) => id.replace(/#\d+$/, ""));
  return {
    client,
    name,
    calls: [...calls.values()].map(callOf).sort((a, b) => a.startMs - b.startMs),
    files: [
      ...Object.entries(RECORDS).flatMap(([kind, place]) =>
        filesOf(join(folder, `${name}.${kind}.json`), place),
      ),
      ...databaseOf(join(folder, `${name}.record.json`)),
    ],
  };
}

/** Calls on one WebSocket are one connection. */
function callOf(exchanges: readonly FixtureExchange[]): Call {
  const [first] = exchanges as readonly [FixtureExchange, ...FixtureExchange[]];
  const headers = headerList(first.request_headers);
  const base = { target: first.path, headers, startMs: Date.parse(first.ts_start) };
  const endMs = Math.max(...exchanges.map(({ ts_start: start, ts_end: end }) => Date.parse(end ?? start)));
  if (!headers.some(([name]) => name === "sec-websocket-version")) return httpCall(first, { ...base, endMs });
  return {
    kind: "websocket",
    ...base,
    endMs,
    status: first.status_code ?? 426,
    messages: exchanges.flatMap(({ request_body: asked, stream_events: events }) => [
      ...(asked === null ? [] : [{ side: "client" as const, text: asked }]),
      ...events.map(({ data }) => ({ side: "server" as const, text: data })),
    ]),
  };
}

function httpCall(
  exchange: FixtureExchange,
  base: Pick<HttpCall, "target" | "headers" | "startMs" | "endMs">,
): HttpCall {
  const { outcome, is_sse: isSse, stream_events: events, response_headers: headers } = exchange;
  return {
    kind: "http",
    ...base,
    method: exchange.method,
    body: exchange.request_body ?? "",
    answer: {
      status: exchange.status_code ?? 502,
      headers: headers === null ? [] : headerList(headers),
      body: isSse
        ? events.map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`).join("")
        : (exchange.response_body ?? ""),
      cutBy: outcome === "upstream_aborted" ? "server" : outcome === "client_aborted" ? "client" : undefined,
    },
  };
}

function headerList(json: string): HeaderList {
  return Object.entries(JSON.parse(json) as Record<string, string | string[]>).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
}

function filesOf(path: string, place: string): readonly RecordFile[] {
  if (!existsSync(path)) return [];
  const files = JSON.parse(readFileSync(path, "utf8")) as Record<string, readonly unknown[]>;
  return Object.entries(files).map(([file, lines]) => ({
    path: join(place, file),
    text: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  }));
}

/** Rows by table, of the client that keeps its record so. */
function databaseOf(path: string): readonly RecordFile[] {
  if (!existsSync(path)) return [];
  const tables = JSON.parse(readFileSync(path, "utf8")) as Record<string, readonly object[]>;
  const dump = Object.entries(tables).map(([name, rows]) => {
    const columns = Object.keys(rows[0] ?? {}).map((column) => `"${column}"`);
    return [name, { sql: `CREATE TABLE "${name}" (${columns.join(", ")})`, rows }] as const;
  });
  const text = JSON.stringify({ tables: Object.fromEntries(dump) });
  return [{ path: ".local/share/opencode/opencode.db", text }];
}
