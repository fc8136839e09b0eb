import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLogger } from "../kernel/log.ts";
import { type Supervisor, type SupervisorOptions, superviseRecorder } from "./supervisor.ts";

let folder: string;
let supervisor: Supervisor | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "supervisor-"));
});
afterEach(async () => {
  await supervisor?.stop(100);
  rmSync(folder, { recursive: true, force: true });
});

/** A recorder that runs `body`; each of its starts leaves a line in `starts`. */
function start(body: string, more: Partial<SupervisorOptions> = {}): Supervisor {
  const script = join(folder, "child.mjs");
  writeFileSync(
    script,
    `import { appendFileSync, writeFileSync } from "node:fs";
     appendFileSync(${JSON.stringify(join(folder, "starts"))}, "x");
     const folder = ${JSON.stringify(folder)};
     ${body}`,
  );
  supervisor = superviseRecorder({
    command: [script],
    env: process.env,
    logFile: join(folder, "stderr.log"),
    log: createLogger([]),
    ...more,
  });
  return supervisor;
}

const starts = (): number => {
  const file = join(folder, "starts");
  return existsSync(file) ? readFileSync(file, "utf8").length : 0;
};

test("a recorder that dies is started again, and its last words are kept", async () => {
  const running = start(`console.error("out of luck"); process.exit(3);`);
  await vi.waitFor(() => expect(starts()).toBeGreaterThanOrEqual(3), 10_000);
  expect(running.restarts).toBeGreaterThanOrEqual(2);
  expect(readFileSync(join(folder, "stderr.log"), "utf8")).toContain("out of luck");
});

test("a recorder that was killed is replaced by one that records", async () => {
  const running = start(
    `process.send({ type: "recording" }); setInterval(() => process.send({ type: "alive" }), 50);`,
  );
  await vi.waitFor(() => expect(running.state).toBe("recording"), 10_000);
  const first = running.pid;
  process.kill(first ?? 0, "SIGKILL");
  await vi.waitFor(() => {
    expect(running.pid).not.toBe(first);
    expect(running.state).toBe("recording");
  }, 10_000);
});

test("a recorder that hangs is killed and started again", async () => {
  start(`process.send({ type: "alive" }); for (;;);`, { hungMs: 300 });
  await vi.waitFor(() => expect(starts()).toBeGreaterThanOrEqual(2), 10_000);
});

test("a stop lets the recorder finish its work", async () => {
  const running = start(
    `process.on("message", (message) => {
       if (message.type !== "drain") return;
       writeFileSync(folder + "/drained", "");
       process.disconnect();
     });
     process.send({ type: "recording" });`,
  );
  await vi.waitFor(() => expect(running.state).toBe("recording"), 10_000);
  await running.stop(5_000);
  expect(existsSync(join(folder, "drained"))).toBe(true);
  expect(running.state).toBe("stopped");
});

test("a stop does not wait for ever", async () => {
  const running = start(`process.send({ type: "recording" }); setInterval(() => {}, 1000);`);
  await vi.waitFor(() => expect(running.state).toBe("recording"), 10_000);
  const started = performance.now();
  await running.stop(200);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(running.pid).toBeUndefined();
});

test("a stop in the moment of the start is final, whatever the recorder says meanwhile", async () => {
  const running = start(`process.send({ type: "recording" }); process.on("message", () => {
    process.send({ type: "recording" }, () => process.disconnect());
  });`);
  await running.stop(5_000);
  const before = starts();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(running.state).toBe("stopped");
  expect(running.pid).toBeUndefined();
  expect(starts()).toBe(before);
});
