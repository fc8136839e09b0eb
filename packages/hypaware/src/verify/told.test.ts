import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { transcripts } from "../adapters/claude/transcript/record.ts";
import { LIMITS } from "../contract/limits.ts";
import { recordPaths } from "../notes/whole-record.ts";
import { readTold } from "./told.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hyp-told-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("a line that is too long to be read is told of, and those around it are read", async () => {
  const session = "11111111-2222-4333-8444-555555555555";
  const line = (uuid: string, content: string): string =>
    JSON.stringify({
      type: "user",
      uuid,
      sessionId: session,
      timestamp: "2026-01-01T00:00:00Z",
      message: { role: "user", content },
    });
  const folder = join(home, ".claude", "projects", "-p");
  mkdirSync(folder, { recursive: true });
  const lines = [line("a", "one"), line("b", "x".repeat(LIMITS.noteLineBytes)), line("c", "three"), ""];
  writeFileSync(join(folder, `${session}.jsonl`), lines.join("\n"));
  const record = transcripts({ HOME: home });
  const { sessions, unreadable } = await readTold(record, await recordPaths(record));
  expect([...sessions.get(session)!.messages.keys()]).toEqual(["a", "c"]);
  expect(unreadable).toEqual([`-p/${session}.jsonl:2: longer than ${LIMITS.noteLineBytes} bytes`]);
});
