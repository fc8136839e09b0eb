import { existsSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionContext, SessionContextSource } from "../contract/plugin.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { type ContextPlaces, readContextFiles } from "./context-files.ts";

let folder = "";
let source: SessionContextSource;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-contexts-"));
  source = {
    name: "test",
    file: join(folder, "context.jsonl"),
    parse: (line) => (line.startsWith("{") ? (JSON.parse(line) as SessionContext) : undefined),
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (n: number) => `${JSON.stringify({ session_id: `s-${n}`, at: "2026-01-01", cwd: "/x" })}\n`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_none, i) => line(from + i)).join("");

class Places implements ContextPlaces {
  readonly offsets = new Map<string, number>();
  readonly sessions: string[] = [];
  offset = (id: string) => this.offsets.get(id) ?? 0;
  forget = (id: string) => void this.offsets.delete(id);
  commit(contexts: readonly SessionContext[], id: string, offset: number): void {
    this.sessions.push(...contexts.map(({ session_id: session }) => session));
    this.offsets.set(id, offset);
  }
}

const warnings: string[] = [];
const log: ProjectorLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: (event) => void warnings.push(event),
  error: () => undefined,
};

test("each line is taken once, in order, over calls, batches and a rotation", async () => {
  const places = new Places();
  await readContextFiles(source, places, log);
  writeFileSync(source.file, lines(0, 1_200));
  await readContextFiles(source, places, log);
  writeFileSync(source.file, `${lines(1_200, 1_205)}not ours\n{"half`, { flag: "a" });
  await readContextFiles(source, places, log);
  await readContextFiles(source, places, log);
  expect(places.sessions).toEqual(Array.from({ length: 1_205 }, (_none, n) => `s-${n}`));
});

test("what was put aside is read to its end, and removed when it has been quiet", async () => {
  const places = new Places();
  const aside = `${source.file}.1`;
  writeFileSync(aside, lines(0, 3));
  writeFileSync(source.file, lines(3, 5));
  const now = statSync(aside).mtimeMs;
  await readContextFiles(source, places, log, now);
  expect(places.sessions).toEqual(["s-0", "s-1", "s-2", "s-3", "s-4"]);
  // A hook that still had it open.
  writeFileSync(aside, line(9), { flag: "a" });
  utimesSync(aside, now / 1_000, now / 1_000);
  await readContextFiles(source, places, log, now + 30_000);
  expect(places.sessions.at(-1)).toBe("s-9");
  expect(existsSync(aside)).toBe(true);
  await readContextFiles(source, places, log, now + 61_000);
  expect(existsSync(aside)).toBe(false);
  expect(places.offsets.size).toBe(1);
  expect(places.sessions).toHaveLength(6);
});

test("a file that became shorter is another one, and one that cannot be read is a warning", async () => {
  const places = new Places();
  writeFileSync(source.file, lines(0, 3));
  await readContextFiles(source, places, log);
  writeFileSync(source.file, line(7));
  await readContextFiles(source, places, log);
  expect(places.sessions).toEqual(["s-0", "s-1", "s-2", "s-7"]);
  const broken: SessionContextSource = { ...source, file: folder };
  await readContextFiles(broken, places, log);
  expect(warnings).toEqual(["notes.read_failed"]);
});
