// Captures as folders, `<client>-<version>/<scenario>/`: `exchanges.jsonl` has a line per exchange or WebSocket connection, beside it
// lies what the client wrote down (`transcripts`, `sessions`, `chats`).

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Call, HeaderList, RecordFile, Scenario } from "./scenario.ts";

/** Where each kind of record lies below the person's home. */
const RECORDS = {
  transcripts: ".claude/projects",
  sessions: ".codex/sessions",
  chats: ".gemini/tmp",
} as const;

interface Line {
  readonly kind?: "websocket";
  readonly at_ms: number;
  readonly method: string;
  readonly path: string;
  readonly request_headers: HeaderList;
  readonly request_body?: unknown;
  readonly closed?: { readonly at_ms: number };
  readonly messages?: readonly { readonly dir: "client" | "server"; readonly data: unknown }[];
  readonly response?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    readonly body?: unknown;
    readonly sse?: string;
    readonly ended_ms?: number;
    readonly cut_by_server_ms?: number;
    readonly aborted_by_client_ms?: number;
  };
}

/** Every scenario below a folder of captures. */
export function capturedScenarios(folder: string): readonly Scenario[] {
  return readdirSync(folder)
    .sort()
    .filter((client) => statSync(join(folder, client)).isDirectory())
    .flatMap((client) =>
      readdirSync(join(folder, client))
        .sort()
        .filter((name) => existsSync(join(folder, client, name, "exchanges.jsonl")))
        .map((name) => readScenario(join(folder, client, name), client, name)),
    );
}

function readScenario(folder: string, client: string, name: string): Scenario {
  const lines = readFileSync(join(folder, "exchanges.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const calls = lines.flatMap((line) => callOf(JSON.parse(line) as Line) ?? []);
  return {
    client,
    name,
    calls: calls.sort((a, b) => a.startMs - b.startMs),
    files: [
      ...Object.entries(RECORDS).flatMap(([kind, place]) => filesBelow(join(folder, kind), place)),
      ...filesBelow(join(folder, "sqlite"), ".local/share/opencode").flatMap(({ path, text }) =>
        // Of each database there is a dump; others are none of this client's record.
        path.endsWith("/opencode.db.json") ? [{ path: path.replace(/\.json$/, ""), text }] : [],
      ),
    ],
  };
}

function callOf(line: Line): Call | undefined {
  const { response } = line;
  const base = { target: line.path, headers: line.request_headers, startMs: line.at_ms };
  if (line.kind === "websocket")
    return {
      kind: "websocket",
      ...base,
      endMs: line.closed?.at_ms ?? line.at_ms,
      status: response?.status ?? 426,
      messages: (line.messages ?? []).map(({ dir, data }) => ({ side: dir, text: textOf(data) })),
    };
  if (response === undefined) return undefined;
  const { cut_by_server_ms: serverMs, aborted_by_client_ms: clientMs } = response;
  return {
    kind: "http",
    method: line.method,
    ...base,
    body: textOf(line.request_body),
    endMs: response.ended_ms ?? serverMs ?? clientMs ?? line.at_ms,
    answer: {
      status: response.status,
      headers: Object.entries(response.headers).flatMap(([each, values]) =>
        [values].flat().map((value) => [each, value] as const),
      ),
      body: response.sse ?? textOf(response.body),
      cutBy: serverMs !== undefined ? "server" : clientMs !== undefined ? "client" : undefined,
    },
  };
}

/** Bodies are kept as text, or as values where they are JSON. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function filesBelow(folder: string, place: string): readonly RecordFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path: join(place, path.slice(folder.length + 1)), text: readFileSync(path, "utf8") };
    });
}
