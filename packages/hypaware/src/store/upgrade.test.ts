import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ROOT } from "../contract/thread.ts";
import { openCatalog } from "./catalog.ts";
import type { Catalog } from "./catalog.ts";
import { storedColumns } from "./layout.ts";
import { STEPS } from "./schema.ts";
import { sealedKey } from "./sealed-rows.ts";

const STARTED = Date.parse("2026-01-02T03:04:05.000Z");
const SESSION = "7bb46e12-3e67-47f7-9e32-608962651fca";
const NAMES = [
  "66a728734a10ef8d",
  "66a728734a10ef8d:#2",
  "0195cf3a-7b6c-7d8e-9f00-112233445566",
  "66a728734a10ef8d0f1e2d3c4b5a6978",
  "msg_01zzeX7QDTkgjG5Qqrqx4aZZ",
  "66A728734A10EF8D",
  "m",
];
const KEYS = NAMES.map((_, n) => (n === 6 ? "odd" : n.toString(16).padStart(32, "ab")));
const ROLES = ["user", "assistant", "system", "user", "assistant", "tool", "user"];

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-upgrade-"));
  path = join(folder, "catalog.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A store as that version made it. */
function oldStore(version: number, fill: (raw: DatabaseSync) => void): void {
  const raw = new DatabaseSync(path);
  for (const step of STEPS.slice(0, version)) raw.exec(step);
  fill(raw);
  raw.exec(`PRAGMA user_version = ${version}`);
  raw.close();
}

function withCatalog(readOnly: boolean, check: (catalog: Catalog) => void): void {
  const catalog = openCatalog(path, { readOnly });
  try {
    check(catalog);
  } finally {
    catalog.close();
  }
}

function fillThreads(raw: DatabaseSync): void {
  raw.prepare("INSERT INTO conversations VALUES (5, ?, ?, 0, 't', NULL)").run(SESSION, SESSION);
  const node = raw.prepare("INSERT INTO nodes VALUES (?, 5, ?, ?, ?, ?, ?, 1, 0)");
  NAMES.forEach((name, n) => node.run(n + 10, n === 0 ? ROOT : n + 9, KEYS[n]!, name, ROLES[n]!, n));
  raw.exec("DELETE FROM nodes WHERE id = 16; INSERT INTO tool_names VALUES (5, 'toolu_1', 'Bash')");
}

function fillSealed(raw: DatabaseSync): void {
  raw.exec(
    "INSERT INTO segments VALUES (1, 'ai_gateway_messages', 'ai_gateway_messages/a', 1, 100, 7, NULL)",
  );
  raw.exec(
    "INSERT INTO segments VALUES (2, 'ai_gateway_exchanges', 'ai_gateway_exchanges/b', 3, 100, 7, NULL)",
  );
  raw.exec("INSERT INTO batches VALUES (1, 1, NULL)");
  const key = Buffer.alloc(12);
  sealedKey("m1#0").copy(key);
  raw.prepare("INSERT INTO sealed_keys VALUES (?, 1, 4)").run(key);
  const names = storedColumns("ai_gateway_exchanges").map(({ name }) => name);
  const packed = (conversation: string | null, projector: string | null): Buffer =>
    Buffer.from(
      JSON.stringify(
        names.map((name) =>
          name === "conversation_id" ? conversation : name === "projector" ? projector : null,
        ),
      ),
    );
  const sample = packed(SESSION, "one");
  raw.prepare("INSERT INTO batches VALUES (2, 2, ?)").run(sample);
  const put = raw.prepare("INSERT INTO sealed_exchanges VALUES (?, 2, ?, 'run-1', 1, ?, 1, ?, ?, ?, ?, ?)");
  [
    ["0".repeat(31) + "a", "one", "projected", SESSION, "one"],
    ["0".repeat(31) + "b", "one", "failed", null, null],
    ["odd", null, "projected", "c:#2", "one"],
  ].forEach(([id, client, status, conversation, projector], n) =>
    put.run(
      n + 5,
      id!,
      n * 100,
      n * 100 + 99,
      client!,
      STARTED + n,
      status!,
      deflateRawSync(packed(conversation!, projector!), { dictionary: sample }),
    ),
  );
}

test("threads of a version 2 store are found by the same names and keys, and new nodes get new ids", () => {
  oldStore(2, fillThreads);
  withCatalog(false, ({ threads }) => {
    NAMES.slice(0, 6).forEach((name, n) => {
      const node = {
        id: n + 10,
        conversationId: SESSION,
        predecessor: n === 0 ? ROOT : n + 9,
        matchKey: KEYS[n]!,
        messageId: name,
        role: ROLES[n]!,
        depth: n,
        isAnswer: true,
      };
      expect(threads.named(name)).toEqual(node);
      expect(threads.child(SESSION, node.predecessor, node.matchKey)).toEqual(node);
      expect(threads.withKey(SESSION, node.matchKey)).toEqual([node]);
      expect(threads.hasChildren(node.id)).toBe(n < 5);
    });
    expect(threads.toolName(SESSION, "toolu_1")).toBe("Bash");
    const { id } = threads.add({
      conversationId: SESSION,
      predecessor: 15,
      matchKey: KEYS[6]!,
      messageId: NAMES[6]!,
      role: "user",
      depth: 6,
      isAnswer: false,
    });
    expect(id).toBe(17);
  });
});

test("sealed rows of a version 2 store stay sealed, and what was asked of its exchanges is still known", () => {
  for (const readOnly of [true, false]) {
    rmSync(path, { force: true });
    oldStore(2, fillSealed);
    withCatalog(readOnly, (catalog) => {
      expect(catalog.counts()).toMatchObject({ exchanges: 3, rows: 1, unprojected: 1 });
      expect(catalog.hasExchange("odd")).toBe(true);
      expect(catalog.exchange("00")).toBe("ambiguous");
      expect(catalog.exchange(`${"0".repeat(31)}b`)).toEqual({
        exchangeId: `${"0".repeat(31)}b`,
        row: null,
        span: { runId: "run-1", from: { segment: 1, offset: 100 }, to: { segment: 1, offset: 199 } },
      });
      expect(catalog.exchange("o")).toMatchObject({ exchangeId: "odd" });
      expect(catalog.clients()).toEqual([
        { client: "one", exchanges: 2, lastAt: new Date(STARTED + 1).toISOString() },
        { client: null, exchanges: 1, lastAt: new Date(STARTED + 2).toISOString() },
      ]);
      if (!readOnly) expect(catalog.deleteRows(["m1#0"])).toBe(1);
    });
  }
});

test("a version 1 store goes through every step", () => {
  oldStore(1, fillThreads);
  withCatalog(true, ({ threads }) => expect(threads.named(NAMES[2]!)?.id).toBe(12));
});
