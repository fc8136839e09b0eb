import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import type { ClientRecord, RecordBatch, RecordEntry } from "../contract/record.ts";
import { RecordFiles } from "./record-files.ts";
import type { RecordPlace, RecordPlaces } from "./record-reader.ts";
import { readRecordFile, recordPaths } from "./whole-record.ts";

let root: string;
let now: number;
let warnings: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "record-files-"));
  now = Date.now();
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const entry = (name: string): RecordEntry => ({
  conversation_id: "c",
  session_id: "s",
  request_class: "main",
  provider: "p",
  is_on_wire: true,
  message: {
    role: "user",
    content: name,
    message_id: name,
    previous_message_id: [],
    message_created_at: "2026-03-01T12:00:00.000Z",
  },
});
const record = (): ClientRecord => ({
  name: "test",
  client: "test",
  roots: [join(root, "projects")],
  accepts: (path) => path.endsWith(".jsonl"),
  read({ text, memory }) {
    if (text === "!") throw new Error("cannot bear it");
    if (text.startsWith("+")) return { memory: { said: text.slice(1) } };
    const said = typeof memory["said"] === "string" ? memory["said"] : "";
    return text.startsWith("#") ? undefined : { entries: [entry(`${said}${text}`)] };
  },
});
const log: ProjectorLog = {
  debug: () => {},
  info: () => {},
  warn: (event) => void warnings.push(event),
  error: () => {},
};
const files = (): RecordFiles => new RecordFiles([record()], log, () => now);

function write(name: string, text: string): string {
  const path = join(root, "projects", name);
  mkdirSync(dirname(path), { recursive: true });
  appendFileSync(path, text);
  return path;
}

/** What the store would remember. */
class Places implements RecordPlaces {
  readonly places = new Map<string, RecordPlace>();
  readonly read: string[] = [];
  place(id: string): RecordPlace | undefined {
    return this.places.get(id);
  }
  commit({ entries }: RecordBatch, id: string, place: RecordPlace): void {
    this.read.push(...entries.map(({ message }) => message.message_id));
    this.places.set(id, place);
  }
  taken(): string[] {
    return this.read.splice(0);
  }
}

test("files at any depth are read, each line once, and what has no newline yet is waited for", async () => {
  const [each, places] = [files(), new Places()];
  write("w/a.jsonl", "1\n#\n2\n3");
  write("w/a/subagents/b.jsonl", "4\n");
  write("w/notes.txt", "no\n");
  await each.read(places, 1_000);
  expect(places.taken().toSorted()).toEqual(["1", "2", "4"]);
  write("w/a.jsonl", "\n5\n");
  write("w/c.jsonl", "6\n");
  now += LIMITS.recordLookMs * 5;
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["3", "5", "6"]);
  await each.read(places, 1_000, true);
  expect(places.taken()).toEqual([]);
  expect(warnings).toEqual([]);
});

test("what stands in a file beside another is told with its lines, to whoever reads them, unless it is huge or a link", async () => {
  const seen: (string | undefined)[] = [];
  const told: ClientRecord = {
    ...record(),
    beside: (path) => path.replace(/^.*\/(.*)\.jsonl$/, "$1.about"),
    read: ({ beside }) => void seen.push(beside),
  };
  write("w/a.jsonl", "1\n2\n");
  write("w/a.about", "of a");
  write("w/b.jsonl", "1\n");
  write("w/c.jsonl", "1\n");
  write("w/c.about", "x".repeat(LIMITS.recordBesideBytes + 1));
  write("w/d.jsonl", "1\n");
  symlinkSync("a.about", join(root, "projects", "w", "d.about"));
  const expected = ["of a", "of a", undefined, undefined, undefined];
  await new RecordFiles([told], log, () => now).read(new Places(), 1_000, true);
  expect(seen.splice(0)).toEqual(expected);
  for (const path of await recordPaths(told)) for await (const _ of readRecordFile(told, path)) void _;
  expect(seen).toEqual(expected);
});

test("a new process goes on where the last one was", async () => {
  const places = new Places();
  write("w/a.jsonl", "1\n2\n");
  await files().read(places, 1_000);
  write("w/a.jsonl", "3\n");
  await files().read(places, 1_000);
  expect(places.taken()).toEqual(["1", "2", "3"]);
});

test("what a line says for those behind it is known to a new process, and not to another file", async () => {
  const places = new Places();
  write("w/a.jsonl", "+x\n1\n");
  write("w/b.jsonl", "2\n");
  await files().read(places, 1_000);
  write("w/a.jsonl", "3\n");
  await files().read(places, 1_000);
  expect(places.taken()).toEqual(["x1", "2", "x3"]);
});

test("a file that was written anew is read from its start; one that is gone is forgotten", async () => {
  const [each, places] = [files(), new Places()];
  const path = write("w/a.jsonl", "1\n2\n");
  await each.read(places, 1_000);
  places.taken();
  writeFileSync(`${path}.new`, "1\n9\n2\n");
  renameSync(`${path}.new`, path);
  now += LIMITS.recordLookMs * 5;
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["1", "9", "2"]);
  writeFileSync(`${path}.new`, "1\n8\n2\n");
  renameSync(`${path}.new`, path);
  await each.read(places, 1_000, true);
  expect(places.taken()).toEqual(["1", "8", "2"]);
  rmSync(path);
  await each.read(places, 1_000, true);
  expect(warnings).toEqual([]);
});

test("no symbolic link below the root is followed, but the root may be one", async () => {
  const [each, places] = [files(), new Places()];
  mkdirSync(join(root, "real", "w"), { recursive: true });
  mkdirSync(join(root, "outside"));
  writeFileSync(join(root, "outside", "secret.jsonl"), "secret\n");
  writeFileSync(join(root, "real", "w", "a.jsonl"), "1\n");
  symlinkSync(join(root, "outside"), join(root, "real", "linked"));
  symlinkSync(join(root, "outside", "secret.jsonl"), join(root, "real", "w", "b.jsonl"));
  symlinkSync(join(root, "real"), join(root, "projects"));
  await each.read(places, 1_000, true);
  expect(places.taken()).toEqual(["1"]);
});

test("what has not changed for long is looked at rarely, unless its session is spoken of", async () => {
  const [each, places] = [files(), new Places()];
  const path = write("w/session-1.jsonl", "1\n");
  const past = new Date(now - 86_400_000);
  for (const old of [path, dirname(path), join(root, "projects")]) utimesSync(old, past, past);
  await each.read(places, 1_000);
  places.taken();
  appendFileSync(path, "2\n");
  write("w/session-2.jsonl", "3\n");
  now += LIMITS.recordLookMs * 5;
  await each.read(places, 1_000);
  expect(places.taken()).toEqual([]);
  each.expect("session-1");
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["2"]);
  each.expect("session-2");
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["3"]);
  appendFileSync(path, "4\n");
  now += LIMITS.recordIdleMs;
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["4"]);
});

test("without time left only so much is read, and the rest comes next", async () => {
  const [each, places] = [files(), new Places()];
  const lines = Array.from({ length: LIMITS.recordBatch * 3 }, (_, n) => String(n));
  write("w/a.jsonl", lines.map((line) => `${line}\n`).join(""));
  for (let calls = 0; places.read.length < lines.length; calls++) {
    expect(calls).toBeLessThan(lines.length * 2);
    await each.read(places, (calls % 2) * 5);
  }
  expect(places.taken()).toEqual(lines);
});

test("what is compressed is read in portions, too, each line once, and by a new process from where the last one was", async () => {
  const [compressed, places] = [
    { ...record(), accepts: (path: string) => path.endsWith(".zst") },
    new Places(),
  ];
  const lines = Array.from({ length: 30_000 }, (_, n) => String(n));
  const path = write("w/a.jsonl.zst", "");
  writeFileSync(path, zstdCompressSync(lines.map((line) => `${line}\n`).join("")));
  let each = new RecordFiles([compressed], log, () => now);
  for (let calls = 0; each.isBehind || calls === 0; calls++) {
    await each.read(places, 5);
    if (calls % 3 !== 2) continue;
    await each.close();
    each = new RecordFiles([compressed], log, () => now);
    await each.read(places, 5);
  }
  await each.close();
  expect(places.read.length).toBe(lines.length);
  expect(places.taken()).toEqual(lines);

  // Written anew while it was being read.
  writeFileSync(path, zstdCompressSync("x\n".repeat(200_000)));
  await each.read(places, 1);
  const before = places.taken().length;
  writeFileSync(`${path}.new`, zstdCompressSync("y\n"));
  renameSync(`${path}.new`, path);
  await each.read(places, 1_000, true);
  expect(before).toBeLessThan(200_000);
  expect(places.taken()).toEqual(["y"]);
  await each.close();
  expect(warnings).toEqual([]);
});

test("files are read in the order in which they came into being, as their names say it where they do", async () => {
  const places = new Places();
  for (const name of ["3", "1", "2"]) write(`w/${name}.jsonl`, `${name}\n`);
  const dated = { ...record(), bornAt: (path: string) => Number(path.slice(2, 3)) };
  await new RecordFiles([dated], log, () => now).read(places, 1_000);
  expect(places.taken()).toEqual(["1", "2", "3"]);
});

test("files that were brought from a backup are read in the order in which they were written last", async () => {
  const places = new Places();
  for (const [index, name] of ["a", "b", "c"].entries()) {
    const day = new Date(Date.UTC(2026, 0, 10 - index));
    utimesSync(write(`w/${name}.jsonl`, `${name}\n`), day, day);
  }
  await files().read(places, 1_000);
  expect(places.taken()).toEqual(["c", "b", "a"]);
});

test("long lines are stored before many of them are held", async () => {
  const places = new Places();
  const commits: number[] = [];
  const counted: RecordPlaces = {
    place: (id) => places.place(id),
    commit: (read, id, place) => {
      commits.push(read.entries.length);
      places.commit(read, id, place);
    },
  };
  write("w/a.jsonl", `${"z".repeat(LIMITS.recordBatchBytes / 2)}\n`.repeat(7));
  await files().read(counted, 10_000);
  expect(commits).toEqual([2, 2, 2, 1]);
});

test("a folder that is not there yet is no warning", async () => {
  const [each, places] = [files(), new Places()];
  await each.read(places, 1_000, true);
  write("w/a.jsonl", "1\n");
  await each.read(places, 1_000, true);
  expect(places.taken()).toEqual(["1"]);
  expect(warnings).toEqual([]);
});

test("a line that its adapter cannot bear is a warning, and those behind it are read", async () => {
  const [each, places] = [files(), new Places()];
  write("w/a.jsonl", "1\n!\n2\n");
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["1", "2"]);
  expect(warnings).toEqual(["notes.line_failed"]);
});

test("what cannot be stored is a warning, tried again after a while, and lost by nobody", async () => {
  const [each, places] = [files(), new Places()];
  write("w/a.jsonl", "1\n");
  const full: RecordPlaces = {
    place: (id) => places.place(id),
    commit: () => {
      throw new Error("the disk is full");
    },
  };
  await each.read(full, 1_000);
  await each.read(full, 1_000);
  expect(warnings).toEqual(["notes.read_failed"]);
  now += LIMITS.recordIdleMs;
  await each.read(places, 1_000);
  expect(places.taken()).toEqual(["1"]);
});

test("a line over the bound is passed over once, and the person is told", async () => {
  const places = new Places();
  write("w/a.jsonl", `1\n${"x".repeat(LIMITS.noteLineBytes + 1)}\n2\n`);
  await files().read(places, 5_000);
  await files().read(places, 5_000, true);
  expect(places.taken()).toEqual(["1", "2"]);
  expect(warnings).toEqual(["notes.line_too_long"]);
});
