import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ExchangeRow } from "../contract/dataset.ts";
import type { FrameSink } from "../contract/frame.ts";
import { homePaths } from "../contract/home.ts";
import type { CallSplitter, SocketCall } from "../contract/plugin.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { callsOf } from "../projection/socket-calls.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { recordedFrame } from "../wire/websocket.testkit.ts";
import { readCaptured } from "./read-captured.ts";
import { Recorder } from "./recorder.ts";

const CONNECTION = "00".repeat(16);
let home: string;
let catalog: Catalog;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-sockets-"));
  const paths = homePaths(home);
  for (const folder of [paths.journal, paths.store]) mkdirSync(folder, { recursive: true });
  catalog = openCatalog(paths.catalog);
});
afterEach(() => {
  catalog.close();
  rmSync(home, { recursive: true, force: true });
});

/** A call is what the client says, up to "end" from the server; "bang" breaks the splitter. */
function splitWords(): CallSplitter {
  let call: (SocketCall & { events: { t_ms: number; event: string; data: string }[] }) | undefined;
  return {
    push({ side, text, t_ms }) {
      if (text === "bang") throw new Error("bang");
      if (side === "client") {
        call = {
          request_body: JSON.stringify({ said: text }),
          events: [],
          start_ms: t_ms,
          end_ms: t_ms,
          request_bytes: text.length,
          response_bytes: 0,
          complete: false,
        };
        return [];
      }
      call?.events.push({ t_ms, event: "word", data: text });
      if (text !== "end" || call === undefined) return [];
      const ended = { ...call, end_ms: t_ms, response_bytes: 7, complete: true };
      call = undefined;
      return [ended];
    },
    end: () => (call === undefined ? [] : [call]),
  };
}

const words: RegisteredProjector = {
  name: "words",
  order: 0,
  match: ({ path }) => path === "/words",
  split: splitWords,
  project: (record) => ({
    provider: "test",
    conversation_id: record.exchange_id,
    messages: [
      { role: "user", content: record.request_body ?? "", is_answer: false },
      { role: "assistant", content: record.stream_events.map(({ data }) => data).join(" "), is_answer: true },
    ],
    exchange: { request_class: "main" },
  }),
};

const recorder = (): Recorder =>
  new Recorder({
    paths: homePaths(home),
    catalog,
    projectors: [words],
    contextSources: [],
    clientRecords: [],
    gatewayId: "g",
    log: createLogger([]),
    telemetry: NO_TELEMETRY,
  });

const open = (): Promise<Journal> => openJournal({ dir: join(homePaths(home).journal, "run"), runId: "run" });

/** Begins a connection; what it returns says something on it at a time. */
function connect(
  sink: FrameSink,
  exchangeId = CONNECTION,
): (side: "client" | "server", text: string, tMs: number) => void {
  const head = {
    startedAt: 1_000_000,
    method: "GET",
    target: "/words",
    httpVersion: "1.1",
    headers: ["upgrade", "websocket"],
    upstream: "up",
    provider: "p",
    routeReason: "match",
    clientName: null,
    gatewayId: "g",
    metadata: {},
  };
  sink.append({ kind: "open", exchangeId, head });
  const answer = { tMs: 1, status: 101, statusText: "Switching Protocols", headers: [] };
  sink.append({ kind: "response-head", exchangeId, head: answer });
  const offsets = { client: 0, server: 0 };
  return (side, text, tMs) => {
    const bytes = recordedFrame(0x81, Buffer.from(text));
    const arrivals = [{ tMs, length: bytes.length }];
    sink.append({ kind: "ws-bytes", exchangeId, side, offset: offsets[side], bytes, arrivals, masked: [] });
    offsets[side] += bytes.length;
  };
}

const close = (sink: FrameSink, exchangeId = CONNECTION): boolean =>
  sink.append({
    kind: "close",
    exchangeId,
    end: { tMs: 90, outcome: "complete", error: null, requestBytes: 50, responseBytes: 50 },
  });

const rows = (): readonly ExchangeRow[] => catalog.exchangesSince(0, 100).map(({ row }) => row);

test("each call is an exchange as soon as it ends, while the connection lives, and once over restarts", async () => {
  const journal = await open();
  const say = connect(journal);
  say("client", "one", 10);
  say("server", "a", 11);
  say("server", "end", 13);
  say("client", "two", 20);
  await journal.flush();
  expect(await recorder().pass()).toBe(1);
  expect(await recorder().pass()).toBe(0);
  expect(rows()).toMatchObject([
    {
      exchange_id: `${CONNECTION}#1`,
      started_at: "1970-01-01T00:16:40.010Z",
      ended_at: "1970-01-01T00:16:40.013Z",
      duration_ms: 3,
      ttfb_ms: 1,
      is_websocket: true,
      is_sse: false,
      stream_event_count: 2,
      status_code: 101,
      outcome: "complete",
      request_bytes: 3,
      response_bytes: 7,
      rows_written: 2,
    },
  ]);
  say("server", "b", 21);
  say("server", "end", 22);
  say("client", "three", 30);
  say("server", "c", 31);
  await journal.flush();
  const following = recorder();
  expect(await following.pass()).toBe(1);
  close(journal);
  await journal.close();
  expect(await following.pass()).toBe(1);
  expect(rows().map(({ exchange_id: id, outcome }) => [id, outcome])).toEqual([
    [`${CONNECTION}#1`, "complete"],
    [`${CONNECTION}#2`, "complete"],
    [`${CONNECTION}#3`, "client_aborted"],
  ]);
  const { journal: journalFolder } = homePaths(home);
  const stored = catalog.exchange(`${CONNECTION}#2`);
  if (stored === undefined || stored === "ambiguous") throw new Error("not stored");
  const log = createLogger([]);
  const captured = await readCaptured(journalFolder, `${CONNECTION}#2`, stored.span, (connection) =>
    callsOf(connection, [words], log),
  );
  expect(captured?.socketEvents?.map(({ data }) => data)).toEqual(["b", "end"]);
  expect(captured?.requestBody.toString()).toBe('{"said":"two"}');
});

test("a gateway that dies leaves the running call interrupted", async () => {
  const journal = await open();
  const say = connect(journal);
  say("client", "one", 10);
  say("server", "a", 11);
  await journal.close();
  await recorder().pass(true);
  expect(rows()).toMatchObject([{ exchange_id: `${CONNECTION}#1`, outcome: "interrupted", rows_written: 2 }]);
});

test("where the splitter fails or nobody splits, the connection is one exchange", async () => {
  const journal = await open();
  const say = connect(journal);
  say("client", "bang", 10);
  say("client", "one", 11);
  close(journal);
  await journal.close();
  await recorder().pass();
  expect(rows()).toMatchObject([{ exchange_id: CONNECTION, status_code: 101 }]);
});
