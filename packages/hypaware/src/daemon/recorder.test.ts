import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import type { SessionContext } from "../contract/plugin.ts";
import type { Projection } from "../contract/projection.ts";
import type { RegisteredProjector } from "../gateway/capability.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { maintainJournal } from "../journal/maintain.ts";
import { listRuns } from "../journal/runs.ts";
import { createLogger } from "../kernel/log.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import { type Catalog, openCatalog } from "../store/catalog.ts";
import { chat, exchange, transcripts } from "./journal-exchange.testkit.ts";
import { Recorder } from "./recorder.ts";

let home: string;
let journalFolder: string;
let catalog: Catalog;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "recorder-"));
  const paths = homePaths(home);
  journalFolder = paths.journal;
  for (const folder of [journalFolder, paths.store]) mkdirSync(folder, { recursive: true });
  catalog = openCatalog(paths.catalog);
});
afterEach(() => {
  catalog.close();
  rmSync(home, { recursive: true, force: true });
});

const recorder = (projectors: readonly RegisteredProjector[] = [chat]): Recorder =>
  new Recorder({
    paths: homePaths(home),
    catalog,
    projectors,
    contextSources: [
      {
        name: "hooks",
        file: join(home, "contexts.jsonl"),
        parse: (line) => JSON.parse(line) as SessionContext,
      },
    ],
    clientRecords: [transcripts(home)],
    gatewayId: "g",
    log: createLogger([]),
    telemetry: NO_TELEMETRY,
  });

const open = (runId: string): Promise<Journal> => openJournal({ dir: join(journalFolder, runId), runId });

const messages = (): number => catalog.counts().rows;

test("an exchange that ended is stored once, however often and by whomever the journal is read", async () => {
  const journal = await open("r1");
  exchange(journal, { turns: ["hello"], answer: "HELLO" });
  await journal.flush();
  const first = recorder();
  expect(await first.pass()).toBe(1);
  expect(await first.pass()).toBe(0);
  expect(await recorder().pass()).toBe(0);
  expect(catalog.counts()).toMatchObject({ exchanges: 1, rows: 2 });
  await journal.close();
});

test("exchanges that are open at a restart are found again, and those between are not stored twice", async () => {
  const journal = await open("r1");
  const unfinished = exchange(journal, { turns: ["slow"], session: "slow" });
  for (let i = 0; i < 5; i++) exchange(journal, { turns: ["hello"], answer: "HELLO", session: `s${i}` });
  await journal.flush();
  expect(await recorder().pass()).toBe(5);
  journal.append({
    kind: "close",
    exchangeId: unfinished,
    end: { tMs: 9, outcome: "client_aborted", error: null, requestBytes: 1, responseBytes: 0 },
  });
  await journal.flush();
  expect(await recorder().pass()).toBe(1);
  expect(catalog.exchange(unfinished)).toMatchObject({
    row: { outcome: "client_aborted", session_id: "slow" },
  });
  await journal.close();
});

test("what a dead gateway left open is stored as interrupted, and its journal is never read again", async () => {
  const journal = await open("r1");
  const id = exchange(journal, { turns: ["hello"] });
  await journal.close();
  expect(await recorder().pass(true)).toBe(1);
  expect(catalog.exchange(id)).toMatchObject({ row: { outcome: "interrupted" } });
  expect(catalog.cursor("r1")?.finished).toBe(true);
  rmSync(join(journalFolder, "r1"), { recursive: true });
  expect(await recorder().pass(true)).toBe(0);
});

test("long requests are stored as differences, and rows stay when the raw history is compressed and goes", async () => {
  const journal = await open("run-1");
  const turns = [`question ${"of many words ".repeat(1_000)}`];
  for (let turn = 1; turn <= 10; turn++) {
    exchange(journal, { turns, answer: `ANSWER ${turn}` });
    turns.push(`ANSWER ${turn}`, `and ${turn}`);
  }
  await journal.close();
  const [plain] = listRuns(journalFolder)[0]!.segments;
  expect(plain!.bytes).toBeLessThan(3 * turns[0]!.length);
  const first = recorder();
  expect(await first.pass(true)).toBe(10);
  const rowKeys = () =>
    catalog
      .changes(0, 1_000)
      .flatMap(({ op, key }) => (op === "upsert" ? [key] : []))
      .sort();
  const before = rowKeys();
  expect(before).toHaveLength(20);
  const maintained = await maintainJournal({ journalDir: journalFolder, cursors: catalog.cursors() });
  expect(maintained).toMatchObject({ compressed: 1, removed: 0 });
  // Nothing is read again when the raw history goes.
  await maintainJournal({ journalDir: journalFolder, cursors: catalog.cursors(), quotaBytes: 0 });
  expect(listRuns(journalFolder)).toEqual([]);
  expect(await recorder().pass(true)).toBe(0);
  expect(rowKeys()).toEqual(before);
});

test("an exchange that took the recorder down twice is set aside, and the next one is stored", async () => {
  const journal = await open("r1");
  const id = exchange(journal, { turns: ["poison"], answer: "POISON" });
  exchange(journal, { turns: ["hello"], answer: "HELLO", session: "other" });
  await journal.flush();
  for (let crash = 0; crash < LIMITS.quarantineTries; crash++) catalog.beginAttempt(id);
  expect(await recorder().pass()).toBe(2);
  expect(catalog.quarantined()).toEqual([id]);
  expect(messages()).toBe(2);
  await journal.close();
});

test("exchanges that ended together are stored together, and their attempt ends with them", async () => {
  const journal = await open("r1");
  const ids = ["a", "b", "c"].map((text) => exchange(journal, { turns: [text], answer: "X", session: text }));
  await journal.flush();
  const seen: unknown[] = [];
  const watching: RegisteredProjector = {
    ...chat,
    project(record, context) {
      seen.push([catalog.counts().exchanges, [...catalog.attempted()].sort()]);
      return chat.project(record, context);
    },
  };
  expect(await recorder([watching]).pass()).toBe(3);
  expect(seen).toEqual(ids.map(() => [0, ids.toSorted()]));
  expect(catalog.attempted()).toEqual([]);
  expect(messages()).toBe(6);
  await journal.close();
});

test("what an earlier recorder died of is worked on one by one", async () => {
  const journal = await open("r1");
  const ids = ["a", "b", "c"].map((text) => exchange(journal, { turns: [text], answer: "X", session: text }));
  await journal.flush();
  catalog.noteAttempts(ids.slice(0, 2));
  const seen: number[] = [];
  const watching: RegisteredProjector = {
    ...chat,
    project(record, context) {
      seen.push(catalog.counts().exchanges);
      return chat.project(record, context);
    },
  };
  expect(await recorder([watching]).pass()).toBe(3);
  expect(seen).toEqual([0, 1, 2]);
  expect(catalog.attempted()).toEqual([]);
  await journal.close();
});

test("a crash in a group costs the one exchange that caused it, after its second try alone", async () => {
  const journal = await open("r1");
  const ids = ["a", "poison", "b"].map((text) => exchange(journal, { turns: [text], answer: "X" }));
  await journal.flush();
  const run = (): number | null => {
    const program = join(import.meta.dirname, "crashing-recorder.testkit.ts");
    return spawnSync(process.execPath, [program, home], { timeout: 20_000 }).status;
  };
  const codes = [run(), run(), run(), run()];
  expect(codes).toEqual([...Array<number>(1 + LIMITS.quarantineTries).fill(1), 0]);
  expect(catalog.quarantined()).toEqual([ids[1]]);
  expect(catalog.counts()).toMatchObject({ exchanges: 3, rows: 2 });
  expect(catalog.attempted()).toEqual([]);
  await journal.close();
});

test("rows that the store refuses set aside their own exchange, not its group", async () => {
  const journal = await open("r1");
  const ids = ["a", "poison", "b"].map((text) =>
    exchange(journal, { turns: [text], answer: "X", session: text }),
  );
  await journal.flush();
  const putRows = catalog.putRows.bind(catalog);
  catalog.putRows = (rows) =>
    putRows(
      rows.map((row) => (row.content_text === "poison" ? { ...row, message_created_at: "soon" } : row)),
    );
  expect(await recorder().pass()).toBe(3);
  expect(catalog.quarantined()).toEqual([ids[1]]);
  expect(catalog.counts()).toMatchObject({ exchanges: 3, rows: 4 });
  await journal.close();
});

test("a projector whose result breaks our own code costs only its exchange", async () => {
  const journal = await open("r1");
  exchange(journal, { turns: ["hello"], answer: "HELLO" });
  await journal.flush();
  const broken: RegisteredProjector = {
    ...chat,
    project: (record, context) => {
      const projection = chat.project(record, context) as Projection;
      return {
        ...projection,
        get messages(): never {
          throw new Error("trap");
        },
      };
    },
  };
  expect(await recorder([broken]).pass()).toBe(1);
  expect(catalog.counts()).toMatchObject({ exchanges: 1, rows: 0 });
  await journal.close();
});

test("maintaining seals rows and compresses a finished run", async () => {
  const old = await open("r1");
  for (let i = 0; i < 20; i++) exchange(old, { turns: ["a"], answer: "A", session: `s${i}` });
  await old.close();
  const running = recorder();
  await running.pass(true);
  const { store, journal } = await running.maintain({ everything: true });
  expect(journal).toMatchObject({ compressed: 1, removed: 0 });
  expect(store.sealedRows).toBe(60);
  expect(catalog.counts()).toMatchObject({ exchanges: 20, rows: 40 });
});

/** What a session's hooks say: `[seconds, cwd, branch]`. */
function says(session: string, ...places: readonly (readonly [number, string, string?])[]): void {
  for (const [seconds, cwd, branch] of places) {
    const at = new Date(seconds * 1_000).toISOString();
    const line = { session_id: session, at, cwd, ...(branch !== undefined && { git_branch: branch }) };
    appendFileSync(join(home, "contexts.jsonl"), `${JSON.stringify(line)}\n`);
  }
}

const placesOf = (ids: readonly string[]): unknown[] =>
  ids.map((id) => {
    const found = catalog.exchange(id);
    if (found === undefined || found === "ambiguous") throw new Error(`${id} is not there`);
    return [found.row?.cwd, found.row?.git_branch];
  });

test("an exchange has the place that its session had when it began, also when the hook says so later", async () => {
  const journal = await open("r1");
  const at = (startedAt: number, turns: readonly string[]): string =>
    exchange(journal, { turns, answer: "A", startedAt: startedAt * 1_000 });
  const ids = [at(10, ["a"]), at(20, ["a", "A", "b"])];
  await journal.flush();
  const following = recorder();
  await following.pass();
  expect(placesOf(ids)).toEqual([
    [null, null],
    [null, null],
  ]);
  const seq = catalog.changes(0, 100).at(-1)!.seq;
  // The first exchange of a session is under way when its first hook runs; then the session moves, and says it again and again.
  says(
    "s",
    [11, "/repo", "main"],
    [12, "/repo", "main"],
    [18, "/repo/sub", "main"],
    [19, "/repo/sub", "main"],
  );
  says("another", [1, "/elsewhere"]);
  await following.pass();
  expect(placesOf(ids)).toEqual([
    ["/repo", "main"],
    ["/repo/sub", "main"],
  ]);
  expect(catalog.changes(seq, 100)).toHaveLength(4);
  ids.push(at(30, ["a", "A", "b", "A", "c"]));
  says("s", [40, "/late"]);
  await journal.flush();
  await following.pass();
  ids.push(at(50, ["a", "A", "b", "A", "c", "A", "d"]));
  await journal.flush();
  await following.pass();
  expect(placesOf(ids)).toEqual([
    ["/repo", "main"],
    ["/repo/sub", "main"],
    ["/repo/sub", "main"],
    ["/late", null],
  ]);
  // A recorder that begins anew reads no line again.
  const before = catalog.changes(0, 1_000);
  await recorder().pass();
  expect(catalog.changes(0, 1_000)).toEqual(before);
  await journal.close();
});

const names = (): readonly string[] =>
  [...catalog.changes(0, 1_000)].flatMap(({ op, key }) => (op === "upsert" ? key : [])).toSorted();

test("a client's record is read beside the journal, and names what exchanges carried", async () => {
  const journal = await open("r1");
  const file = join(home, "record", "s.jsonl");
  mkdirSync(join(home, "record"));
  const tells = (...line: readonly (string | null)[]): void =>
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  tells("u1", null, "user", "hello");
  exchange(journal, { turns: ["hello"], answer: "HELLO" });
  exchange(journal, { turns: ["other"], answer: "OTHER", session: "silent" });
  await journal.flush();
  const following = recorder();
  expect(await following.pass(true)).toBe(2);
  tells("u2", "u1", "system", "a remark");
  tells("u3", "u2", "assistant", "HELLO");
  await following.pass(true);
  const expected = ["u1#0", "u2#0", "u3#0"];
  expect(names().filter((name) => name.startsWith("u"))).toEqual(expected);
  expect(names()).toHaveLength(5);
  await journal.close();
});
