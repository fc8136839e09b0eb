import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { JsonObject } from "../contract/projection.ts";
import { createLogger } from "./log.ts";
import { temporaryFolder } from "./plugin-folder.testkit.ts";
import { openTelemetry } from "./telemetry.ts";

const read = (folder: string, kind: string): JsonObject[] =>
  readFileSync(join(folder, `${kind}-${process.pid}.jsonl`), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);

test("writes logs, spans with their parents, and meters, each with the resource", async () => {
  const folder = join(temporaryFolder(), "dev-telemetry");
  const telemetry = openTelemetry(folder, {
    HYP_DEV_TELEMETRY: "true",
    DEV_RUN_ID: "run-7",
    OTEL_SERVICE_NAME: "mine",
    OTEL_RESOURCE_ATTRIBUTES: "team=core, zone = eu",
  });
  const log = createLogger(telemetry.logSink === undefined ? [] : [telemetry.logSink]);
  const answer = await telemetry.span("kernel.boot", { mode: "test" }, async (span) => {
    await Promise.all([
      telemetry.span("first", {}, async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        telemetry.span("inner", {}, () => log.warn("inside", { apiKey: "k" }));
      }),
      telemetry.span("second", {}, () => Promise.resolve()),
    ]);
    span.set({ pluginsActivated: 2 });
    return 42;
  });
  telemetry.add("aigw.exchange_bytes", 120, { hyp_upstream: "u" });
  telemetry.gauge("hyp_daemon_uptime_ms", 5);
  await telemetry.close();

  expect(answer).toBe(42);
  const resource = {
    "service.name": "mine",
    "hypaware.self": true,
    dev_run_id: "run-7",
    team: "core",
    zone: "eu",
  };
  const spans = Object.fromEntries(read(folder, "traces").map((span) => [span["name"] as string, span]));
  expect(spans["kernel.boot"]).toMatchObject({
    status: "ok",
    attributes: { mode: "test", plugins_activated: 2 },
    resource,
  });
  expect(spans["kernel.boot"]).not.toHaveProperty("parent_id");
  expect(spans["first"]?.["parent_id"]).toBe(spans["kernel.boot"]?.["span_id"]);
  expect(spans["second"]?.["parent_id"]).toBe(spans["kernel.boot"]?.["span_id"]);
  expect(spans["inner"]?.["parent_id"]).toBe(spans["first"]?.["span_id"]);
  expect(new Set(Object.values(spans).map((span) => span["trace_id"])).size).toBe(1);
  expect(read(folder, "logs")).toMatchObject([
    {
      name: "inside",
      level: "warn",
      span_id: spans["inner"]?.["span_id"],
      attributes: { api_key: "[redacted]" },
    },
  ]);
  expect(read(folder, "metrics")).toMatchObject([
    { name: "aigw.exchange_bytes", kind: "counter", value: 120, attributes: { hyp_upstream: "u" }, resource },
    { name: "hyp_daemon_uptime_ms", kind: "gauge", value: 5 },
  ]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

const fail = (): never => {
  throw new Error("no: sk-ant-api03-abcdefgh");
};

test("a span that throws or rejects is failed, and the error passes", async () => {
  const folder = temporaryFolder();
  const telemetry = openTelemetry(folder, { HYP_DEV_TELEMETRY: "1" });
  expect(() => telemetry.span("sync", {}, fail)).toThrow("no:");
  await expect(telemetry.span("async", {}, async () => fail())).rejects.toThrow("no:");
  telemetry.span("marked", {}, (span) => span.set({ status: "failed" }));
  await telemetry.close();
  expect(read(folder, "traces")).toMatchObject([
    { name: "sync", status: "failed", attributes: { error: "Error: no: [redacted]" } },
    { name: "async", status: "failed" },
    { name: "marked", status: "failed" },
  ]);
});

test("off, it runs what it is given and leaves no trace", async () => {
  const folder = join(temporaryFolder(), "dev-telemetry");
  for (const value of [undefined, "", "0", "false"]) {
    const telemetry = openTelemetry(folder, { HYP_DEV_TELEMETRY: value });
    expect(telemetry.span("x", {}, () => 1)).toBe(1);
    telemetry.add("x", 1);
    await telemetry.close();
  }
  expect(existsSync(folder)).toBe(false);
});
