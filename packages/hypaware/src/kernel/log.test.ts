import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import type { Json } from "../contract/projection.ts";
import { JsonlFile } from "./jsonl.ts";
import { consoleSink, createLogger, fileSink } from "./log.ts";
import { temporaryFolder } from "./plugin-folder.testkit.ts";

const readLines = (path: string): Record<string, Json>[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, Json>);

test("the console gets one readable line that cannot steer the terminal, from its level up", () => {
  let out = "";
  const log = createLogger([consoleSink("warn", { write: (text: string) => (out += text) })], {
    hyp_plugin: "p",
  });
  log.info("too.low");
  log.warn("some.event", { error: "bad \u001b[31m\u009b thing\nnext", count: 3 });
  expect(out).toMatch(
    /^\d\d:\d\d:\d\d warn {2}some\.event hyp_plugin=p error="bad \\u001b\[31m\\u009b thing\\nnext" count=3\n$/,
  );
});

test("a child adds its fields; what a file gets is scrubbed, private and complete after close", async () => {
  const path = join(temporaryFolder(), "logs", "gateway.log");
  const file = new JsonlFile(path);
  const log = createLogger([fileSink("info", file)], { hyp_component: "kernel" });
  log.debug("too.low");
  for (let n = 0; n < 500; n++) log.child({ n }).info("step", { header: "Bearer abcdef123456" });
  await file.close();
  const lines = readLines(path);
  expect(lines.map((line) => line["n"])).toEqual(Array.from({ length: 500 }, (_, n) => n));
  expect(lines[0]).toEqual({
    hyp_component: "kernel",
    n: 0,
    header: "[redacted]",
    ts: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    level: "info",
    event: "step",
    pid: process.pid,
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
});

test("a full file is rotated, and one old file is kept", async () => {
  const folder = temporaryFolder();
  const file = new JsonlFile(join(folder, "x.jsonl"), 1_000);
  for (let n = 0; n < 10; n++) {
    file.write({ n, text: "x".repeat(400) });
    // Lets each line reach the disk by itself.
    await file.close();
  }
  expect(readdirSync(folder).toSorted()).toEqual(["x.jsonl", "x.jsonl.1"]);
  const kept = [...readLines(join(folder, "x.jsonl.1")), ...readLines(join(folder, "x.jsonl"))];
  expect(kept.map((line) => line["n"])).toEqual([6, 7, 8, 9]);
});

test("what was written just before the process exits is in the file", () => {
  const path = join(temporaryFolder(), "logs", "x.jsonl");
  const module = pathToFileURL(join(import.meta.dirname, "jsonl.ts")).href;
  const program = `
    const { JsonlFile } = await import(${JSON.stringify(module)});
    const file = new JsonlFile(${JSON.stringify(path)});
    for (let n = 0; n < 3; n++) file.write({ n });
    await new Promise((resolve) => setImmediate(resolve));
    file.write({ n: 3 });
    process.exit(0);`;
  spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  expect(readLines(path).map((line) => line["n"])).toEqual([0, 1, 2, 3]);
});

test("what waits over the bound is dropped and counted", async () => {
  const path = join(temporaryFolder(), "x.jsonl");
  const file = new JsonlFile(path);
  for (let n = 0; n < 6; n++) file.write({ text: "x".repeat(1024 * 1024) });
  await file.close();
  const lines = readLines(path);
  expect(lines).toHaveLength(4);
  expect(lines.at(-1)).toEqual({ event: "log.dropped", lines: 3 });
});

test("logging never throws: neither for a field that JSON cannot hold nor for a sink or disk that fails", async () => {
  const circular: Record<string, Json> = {};
  circular["self"] = circular as Json;
  const occupied = join(temporaryFolder(), "file");
  writeFileSync(occupied, "");
  const file = new JsonlFile(join(occupied, "x.log"));
  const broken = {
    level: "debug" as const,
    write() {
      throw new Error("closed");
    },
  };
  createLogger([fileSink("debug", file)]).error("event", circular);
  createLogger([broken]).error("event", { big: 1n as unknown as Json });
  file.write({ fine: true });
  await file.close();
});
