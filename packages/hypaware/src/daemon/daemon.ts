// The long-lived process of a home: one gateway on the configured address and the supervisor of its recorder.
// run/daemon.lock makes it the only one; the kernel frees it however the process dies.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { writeFileAtomic } from "../disk/atomic.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { tryLock } from "../disk/lock.ts";
import { JsonlFile } from "../kernel/jsonl.ts";
import type { Telemetry } from "../kernel/telemetry.ts";
import { type GatewayService, type GatewayServiceOptions, startGatewayService } from "./gateway-service.ts";
import { type Supervisor, type SupervisorOptions, superviseRecorder } from "./supervisor.ts";
import { type DaemonStatus, type GatewayFile, readPidFile } from "./run-files.ts";

export interface DaemonOptions extends GatewayServiceOptions {
  readonly recorder: SupervisorOptions;
  readonly telemetry: Telemetry;
  readonly configPath: string;
  /** Warnings of the start: plugins that failed, advice about the config. */
  readonly warnings: readonly string[];
}

export interface Daemon {
  readonly service: GatewayService;
  readonly supervisor: Supervisor;
  /** Lets answers end, makes everything durable, lets the recorder finish. Idempotent. */
  stop(reason: string): Promise<void>;
}

const RECORDER_STOP_MS = 10_000;

/** Rejects with a HypError `daemon_running` or `port_taken`, or when the routes are wrong. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, telemetry } = options;
  ensurePrivateFolder(paths.run);
  const lock = tryLock(paths.daemonLock);
  if (lock === undefined) {
    const pid = readPidFile(paths)?.pid;
    throw new HypError(
      "daemon_running",
      `A daemon already runs for ${paths.home}${pid ? ` (pid ${pid})` : ""}.`,
    );
  }
  const events = new JsonlFile(join(paths.logs, "daemon.log"));
  const startedAt = new Date();
  let healthyAt: Date | undefined;
  let service: GatewayService;
  const record = (event: string, fields: object = {}): void =>
    events.write({
      ts: new Date().toISOString(),
      level: "info",
      event,
      pid: process.pid,
      mode: "foreground",
      ...fields,
    });
  record("daemon.starting");
  writeFileAtomic(
    paths.pidFile,
    JSON.stringify({ pid: process.pid, startedAt, runId: "", mode: "foreground" }),
  );
  try {
    service = await telemetry.span("source.start", { hyp_source: "ai-gateway" }, () =>
      startGatewayService(options),
    );
  } catch (error) {
    record("daemon.boot_failed", { error: error instanceof Error ? error.message : String(error) });
    rmSync(paths.pidFile, { force: true });
    await events.close();
    lock.release();
    throw error;
  }
  const supervisor = superviseRecorder(options.recorder);
  const { host, port } = service.gateway;

  const writeStatus = (state: DaemonStatus["state"]): void => {
    const status: DaemonStatus = {
      state,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      ...(healthyAt && { healthyAt: healthyAt.toISOString() }),
      ...(state === "stopped" && { stoppedAt: new Date().toISOString() }),
      uptimeMs: Date.now() - startedAt.getTime(),
      runId: service.runId,
      mode: "foreground",
      configPath: options.configPath,
      sources: [
        {
          name: "ai-gateway",
          plugin: "@hypaware/ai-gateway",
          state: state === "stopped" ? "stopped" : "started",
          details: { host, port, recorder: supervisor.state, recorder_restarts: supervisor.restarts },
        },
      ],
      sinks: [],
      warnings: options.warnings,
    };
    writeFileAtomic(paths.statusFile, `${JSON.stringify(status, null, 2)}\n`);
  };

  healthyAt = new Date();
  const gatewayFile: GatewayFile = {
    pid: process.pid,
    host,
    port,
    run_id: service.runId,
    started_at: startedAt.toISOString(),
  };
  writeFileAtomic(paths.gatewayFile, `${JSON.stringify(gatewayFile)}\n`);
  writeFileAtomic(
    paths.pidFile,
    `${JSON.stringify({ pid: process.pid, startedAt, runId: service.runId, mode: "foreground" })}\n`,
  );
  writeStatus("healthy");
  record("daemon.healthy", { host, port, run_id: service.runId });

  let stopping: Promise<void> | undefined;
  const shutdown = (reason: string): Promise<void> =>
    telemetry.span("daemon.shutdown", { shutdown_reason: reason }, async () => {
      record("daemon.stopping", { reason });
      writeStatus("stopping");
      await telemetry.span("source.stop", { hyp_source: "ai-gateway" }, () => service.stop(LIMITS.drainMs));
      await supervisor.stop(RECORDER_STOP_MS);
      rmSync(paths.gatewayFile, { force: true });
      writeStatus("stopped");
      rmSync(paths.pidFile, { force: true });
      record("daemon.stopped");
      await events.close();
      lock.release();
    });
  return { service, supervisor, stop: (reason) => (stopping ??= shutdown(reason)) };
}
