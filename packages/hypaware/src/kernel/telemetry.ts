// Development telemetry, HYP_DEV_TELEMETRY=1: what this process did, as JSON lines under `<state>/dev-telemetry/`.
//
//   traces-<pid>.jsonl   {ts, name, trace_id, span_id, parent_id?, duration_ms, status, attributes, resource}
//   logs-<pid>.jsonl     {ts, name, level, trace_id?, span_id?, attributes, resource}
//   metrics-<pid>.jsonl  {ts, name, kind: "counter" | "gauge", value, attributes, resource}
//
// ts: ISO 8601, of a span its start. A span is written when it ends, so children stand before their parents.
// A counter's value is what was added, a gauge's what holds now. resource: service.name, hypaware.self, dev_run_id and
// OTEL_RESOURCE_ATTRIBUTES. Attributes are scrubbed like log fields.

import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { JsonObject } from "../contract/projection.ts";
import { JsonlFile } from "./jsonl.ts";
import { type LogSink, type Logger, createLogger } from "./log.ts";
import { scrubFields } from "../wire/scrub.ts";

export interface Span {
  /** Adds attributes; `status: "failed"` marks a failure that is not a throw. */
  set(attributes: JsonObject): void;
}

export interface Telemetry {
  /** Runs `run` as a span below the current one. A throw or a rejection makes its status `failed`, and passes. */
  span<T>(name: string, attributes: JsonObject, run: (span: Span) => T): T;
  /** Adds to a counter. */
  add(name: string, value: number, attributes?: JsonObject): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, attributes?: JsonObject): void;
  /** Takes log records into the logs file; absent when telemetry is off. */
  readonly logSink?: LogSink;
  close(): Promise<void>;
}

/** Where a step of the kernel tells what it did. */
export interface Observer {
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

const NO_SPAN: Span = { set() {} };

/** Telemetry that is off: runs what it is given. */
export const NO_TELEMETRY: Telemetry = {
  span: (_name, _attributes, run) => run(NO_SPAN),
  add() {},
  gauge() {},
  async close() {},
};

/** Tells nobody. */
export const QUIET: Observer = { log: createLogger([]), telemetry: NO_TELEMETRY };

type Env = Readonly<Record<string, string | undefined>>;

function resourceOf(env: Env): JsonObject {
  const pairs = (env["OTEL_RESOURCE_ATTRIBUTES"] ?? "").split(",").flatMap((pair): [string, string][] => {
    const [, key, value] = /^\s*([^=\s]+)\s*=(.*)$/.exec(pair) ?? [];
    return key === undefined ? [] : [[key, value?.trim() ?? ""]];
  });
  return {
    "service.name": env["OTEL_SERVICE_NAME"] || "hypaware",
    "hypaware.self": true,
    ...(env["DEV_RUN_ID"] && { dev_run_id: env["DEV_RUN_ID"] }),
    ...Object.fromEntries(pairs),
  };
}

/** Off, and nearly free, unless HYP_DEV_TELEMETRY is `1` or `true`. `maxBytes`: of each file before it is rotated. */
export function openTelemetry(folder: string, env: Env, maxBytes?: number): Telemetry {
  if (!/^(?:1|true)$/i.test(env["HYP_DEV_TELEMETRY"] ?? "")) return NO_TELEMETRY;
  const file = (kind: string): JsonlFile =>
    new JsonlFile(join(folder, `${kind}-${process.pid}.jsonl`), maxBytes);
  const [traces, logs, metrics] = [file("traces"), file("logs"), file("metrics")];
  const resource = resourceOf(env);
  const current = new AsyncLocalStorage<{ trace_id: string; span_id: string }>();
  const meter =
    (kind: "counter" | "gauge") =>
    (name: string, value: number, attributes: JsonObject = {}) =>
      metrics.write({
        ts: new Date().toISOString(),
        name,
        kind,
        value,
        attributes: scrubFields(attributes),
        resource,
      });

  function span<T>(name: string, attributes: JsonObject, run: (span: Span) => T): T {
    const parent = current.getStore();
    const ids = {
      trace_id: parent?.trace_id ?? randomBytes(16).toString("hex"),
      span_id: randomBytes(8).toString("hex"),
    };
    const ts = new Date().toISOString();
    const started = performance.now();
    let all = attributes;
    const end = (outcome: "ok" | "failed", error?: string): void => {
      const { status = outcome, ...attributes } = scrubFields(error === undefined ? all : { ...all, error });
      const duration_ms = Math.round((performance.now() - started) * 1000) / 1000;
      const parent_id = parent?.span_id;
      traces.write({ ts, name, ...ids, parent_id, duration_ms, status, attributes, resource });
    };
    const handle: Span = { set: (more) => void (all = { ...all, ...more }) };
    try {
      const result = current.run(ids, () => run(handle));
      if (!(result instanceof Promise)) end("ok");
      else
        result.then(
          () => end("ok"),
          (error: unknown) => end("failed", String(error)),
        );
      return result;
    } catch (error) {
      end("failed", String(error));
      throw error;
    }
  }

  return {
    span,
    add: meter("counter"),
    gauge: meter("gauge"),
    logSink: {
      level: "debug",
      write: ({ ts, level, event, fields }) =>
        logs.write({ ts, name: event, level, ...current.getStore(), attributes: fields, resource }),
    },
    async close() {
      await Promise.all([traces.close(), logs.close(), metrics.close()]);
    },
  };
}
