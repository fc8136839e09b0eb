// An answer that its client could not read is explained by what the store has of it, and explains nothing else.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readFile, readFixture, readRollouts } from "../adapters/codex/fixtures.testkit.ts";
import { codexProjector } from "../adapters/codex/projector.ts";
import { rollouts } from "../adapters/codex/rollout/record.ts";
import type { JsonObject } from "../contract/projection.ts";
import { LinkedStore, prepare } from "../daemon/link-record.testkit.ts";
import { runQuery } from "../query/run.ts";
import { PROJECTORS } from "./fixture-store.testkit.ts";
import { verifyRecord } from "./verify.ts";

let home: string;
let store: LinkedStore;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-unreadable-"));
  store = new LinkedStore();
});
afterEach(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

type Keeps = (line: JsonObject) => boolean;

async function fill(name: string, keeps: Keeps = () => true): Promise<void> {
  for (const record of readFixture(name))
    store.exchange(await prepare(record, { ...codexProjector, order: 0 }));
  for (const [file, all] of Object.entries(readRollouts(name))) {
    const lines = all.filter(keeps);
    const path = join(home, ".codex", "sessions", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    for (const { entries = [], responses = [] } of readFile(file, lines)) store.entries(entries, responses);
  }
}

async function verified(): Promise<{ readonly classes: readonly string[]; readonly unreadable: number }> {
  const { sessions } = await verifyRecord({
    record: rollouts({ HOME: home }),
    catalog: store.catalog,
    ask: (sql) => runQuery({ catalogPath: store.path, tmpDir: join(home, "tmp"), sql, timeZone: "UTC" }),
    projectors: PROJECTORS,
    texts: new Set(),
  });
  expect(sessions.length).toBeGreaterThan(0);
  return {
    classes: sessions.flatMap(({ differences }) => differences.map((each) => each.class)),
    unreadable: sessions.reduce((sum, each) => sum + (each.by_nature.unreadable ?? 0), 0),
  };
}

function change(sql: string): void {
  const raw = new DatabaseSync(store.path);
  expect(raw.prepare(sql).run().changes).toBeGreaterThan(0);
  raw.close();
}

/** Of the answer that the client itself would have written down. */
const isAnswer: Keeps = ({ type, payload }) =>
  type === "token_usage_record" ||
  (type === "response_item" && ["assistant", undefined].includes((payload as JsonObject)["role"] as string));

test("both attempts and what they said are natural, and another session's answer is as it was", async () => {
  await fill("encoding-gzip");
  await fill("plain");
  // Two exchanges, each with a thought and a message.
  expect(await verified()).toEqual({ classes: [], unreadable: 6 });
});

test("an answer that could be read is missed, beside one that could not", async () => {
  await fill("encoding-gzip");
  await fill("plain", (line) => !isAnswer(line));
  const { classes, unreadable } = await verified();
  expect(unreadable).toBe(6);
  expect(classes).toEqual(["extra", "extra", "extra"]);
});

test("where the encoding was offered nothing explains that the client has no line of it", async () => {
  await fill("encoding-gzip");
  change(
    `UPDATE ai_gateway_messages SET attributes = json_set(attributes, '$.gateway.request_headers."accept-encoding"', 'gzip')
     WHERE json_extract(attributes, '$.gateway.exchange_id') IS NOT NULL`,
  );
  const { classes, unreadable } = await verified();
  expect(unreadable).toBe(0);
  expect(classes).toEqual(Array.from({ length: 6 }, () => "extra"));
});

test("what the record tells of the same session is still missed", async () => {
  await fill("encoding-gzip");
  change("DELETE FROM ai_gateway_messages WHERE role = 'user' AND content_text LIKE 'FAKE:%'");
  expect((await verified()).classes).toContain("missing");
});
