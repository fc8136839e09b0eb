import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FileLine, openLineFile } from "./line-file.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-lines-"));
  path = join(folder, "file.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function linesFrom(offset: number, maxLineBytes = 1_000_000): Promise<FileLine[]> {
  const file = await openLineFile(path, maxLineBytes);
  try {
    const lines: FileLine[] = [];
    for await (const line of file!.lines(offset)) lines.push(line);
    return lines;
  } finally {
    await file?.close();
  }
}

test("whole lines are read from any line's beginning on, an unfinished one when it is finished", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 400 }).map((text) => text.replaceAll("\n", " "));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 40 }), line, async (whole, half) => {
      writeFileSync(path, whole.map((text) => `${text}\n`).join("") + half);
      const read = await linesFrom(0);
      expect(read.map(({ text }) => text)).toEqual(whole.map((text) => Buffer.from(text).toString()));
      const from = fc.sample(fc.nat(whole.length), 1)[0]!;
      const offset = from === 0 ? 0 : read[from - 1]!.next;
      expect(await linesFrom(offset)).toEqual(read.slice(from));
      appendFileSync(path, "\n");
      expect((await linesFrom(read.at(-1)?.next ?? 0)).map(({ text }) => text)).toEqual([
        Buffer.from(half).toString(),
      ]);
    }),
    { numRuns: 40 },
  );
});

test("lines longer than a read block are whole, those over the bound are passed over and do not stop the rest", async () => {
  const long = "x".repeat(700_000);
  writeFileSync(path, `a\n${long}\nb\n${long}${long}\nc\n`);
  expect((await linesFrom(0)).map(({ text }) => text?.length)).toEqual([1, 700_000, 1, undefined, 1]);
  expect((await linesFrom(0, 10)).map(({ text }) => text)).toEqual(["a", undefined, "b", undefined, "c"]);
});

test("a file is the same under another name, and one that is not there is none", async () => {
  expect(await openLineFile(path, 10)).toBeUndefined();
  writeFileSync(path, "a\n");
  const before = await openLineFile(path, 10);
  renameSync(path, `${path}.1`);
  const after = await openLineFile(`${path}.1`, 10);
  expect(after?.id).toBe(before?.id);
  expect(after?.bytes).toBe(2);
  await Promise.all([before?.close(), after?.close()]);
});

test("what is compressed with zstd is read as what it holds, from any line on, and damage is an error", async () => {
  const lines = Array.from({ length: 5_000 }, (_none, n) => `${n} ${"x".repeat(n % 300)}`);
  const packed = zstdCompressSync(`${lines.join("\n")}\n`);
  writeFileSync(path, packed);
  const read = await linesFrom(0);
  expect(read.map(({ text }) => text)).toEqual(lines);
  for (const from of [1, 2_500, 4_999])
    expect(await linesFrom(read[from - 1]!.next)).toEqual(read.slice(from));
  expect(await linesFrom(read.at(-1)!.next)).toEqual([]);
  writeFileSync(path, packed.subarray(0, packed.length / 2));
  await expect(linesFrom(0)).rejects.toThrow();
});
