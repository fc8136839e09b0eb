import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readContextFiles } from "../../../notes/context-files.ts";
import { readContextLine } from "./session-context.ts";

const WRITERS = 8;
const LINES = 1_250;
const WRITER = `
  const [url, path, writer, lines] = process.argv.slice(1);
  const { appendLine } = await import(url);
  const pad = "x".repeat(600);
  for (let n = 0; n < Number(lines); n++)
    appendLine(path, { session_id: writer + "-" + n, cwd: "/" + pad, ts: "2026-01-01T00:00:00Z" });
`;

test("eight processes append 10,000 lines over several rotations while they are read: none is lost, none is torn", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hyp-writers-"));
  try {
    const path = join(folder, "context.jsonl");
    const url = new URL("./state-file.ts", import.meta.url).href;
    const children = Array.from({ length: WRITERS }, (_none, writer) =>
      spawn(process.execPath, ["--input-type=module", "-e", WRITER, url, path, `w${writer}`, String(LINES)], {
        stdio: "inherit",
      }),
    );
    const exits = children.map(async (child) => (await once(child, "exit"))[0] as number);
    const seen = new Map<string, number>();
    const offsets = new Map<string, number>();
    let aside = 0;
    const read = async (now: number): Promise<void> => {
      aside += statSync(`${path}.1`, { throwIfNoEntry: false }) === undefined ? 0 : 1;
      await readContextFiles(
        { name: "test", file: path, parse: readContextLine },
        {
          offset: (id) => offsets.get(id) ?? 0,
          forget: (id) => void offsets.delete(id),
          commit(contexts, id, offset) {
            for (const { session_id: session } of contexts) seen.set(session, (seen.get(session) ?? 0) + 1);
            offsets.set(id, offset);
          },
        },
        { debug() {}, info() {}, warn() {}, error() {} },
        now,
      );
    };
    const writers = { running: true };
    const done = Promise.all(exits).finally(() => {
      writers.running = false;
    });
    // What was put aside counts as quiet soon: not at once, so that a writer who has it open is not cut off.
    while (writers.running) await read(Date.now() + 57_000);
    expect(await done).toEqual(Array.from({ length: WRITERS }, () => 0));
    await read(Date.now());
    expect(aside).toBeGreaterThan(1);
    expect(seen.size).toBe(WRITERS * LINES);
    expect([...seen.values()].filter((times) => times !== 1)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
