// The long-lived process of a home: one gateway on the configured address and the supervisor of its recorder.
// run/daemon.lock makes it the only one; the kernel frees it however the process dies.

import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import { type Lock, tryLock } from "../disk/lock.ts";
import { JsonlFile } from "../kernel/jsonl.ts";
import type { Telemetry } from "../kernel/telemetry.ts";
import { announcement } from "./announcement.ts";
import {
  type GatewayService,
  type GatewayServiceOptions,
  type GatewaySetup,
  startGatewayService,
} from "./gateway-service.ts";
import type { DaemonMode } from "./run-files.ts";
import { NOT_RELOADED, runningDaemon } from "./running-daemon.ts";
import { type Supervisor, type SupervisorOptions, superviseRecorder } from "./supervisor.ts";
import { trimLog } from "./trim-log.ts";

/** What a daemon can change while it runs. */
export interface DaemonSetup extends GatewaySetup {
  readonly recorder: SupervisorOptions;
  /** Plugins that failed, advice about the config. */
  readonly warnings: readonly string[];
}

export interface DaemonOptions extends DaemonSetup, GatewayServiceOptions {
  readonly telemetry: Telemetry;
  readonly configPath: string;
  readonly mode: DaemonMode;
  /** How long a stop lets the recorder finish. */
  readonly recorderStopMs: number;
  /** Logs that somebody else appends to: kept bounded here. */
  readonly appendedLogs: readonly string[];
}

export interface Daemon {
  readonly service: GatewayService;
  readonly supervisor: Supervisor;
  /**
   * Goes on with what `read` resolves with. When it rejects, or what it gives cannot be used, everything goes on as it was, and log and status
   * say so. Never rejects.
   */
  reload(read: () => Promise<DaemonSetup>): Promise<void>;
  /** Lets answers end, makes everything durable, lets the recorder finish. Idempotent. */
  stop(reason: string): Promise<void>;
  /** During a stop: answers that still run are cut now. */
  cut(): void;
}

const TRIM_MS = 60_000;
/** Each with the time that looking who runs takes, some 50 ms. */
const LOCK_TRIES = 10;

/** Rejects with a HypError `daemon_running` or `port_taken`, or when the routes are wrong. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, telemetry, mode } = options;
  ensurePrivateFolder(paths.run);
  const lock = lockOf(options);
  const events = new JsonlFile(join(paths.logs, "daemon.log"));
  const record = (event: string, fields: object = {}): void =>
    events.write({ ts: new Date().toISOString(), level: "info", event, pid: process.pid, mode, ...fields });
  record("daemon.starting");
  const announce = announcement(options);
  announce.starting();
  let service: GatewayService;
  try {
    service = await telemetry.span("source.start", { hyp_source: "ai-gateway" }, () =>
      startGatewayService(options),
    );
  } catch (error) {
    record("daemon.boot_failed", { error: error instanceof Error ? error.message : String(error) });
    announce.gone();
    await events.close();
    lock.release();
    throw error;
  }
  let setup: DaemonSetup = options;
  let supervisor = superviseRecorder(setup.recorder);
  let refusal: string | undefined;
  const trim = (): void => options.appendedLogs.forEach((path) => trimLog(path));
  const trimming = setInterval(trim, TRIM_MS);
  trimming.unref();
  trim();

  const writeStatus = (state: "healthy" | "stopping" | "stopped"): void =>
    announce.status(state, {
      service,
      supervisor,
      warnings: [...setup.warnings, ...(refusal === undefined ? [] : [NOT_RELOADED + refusal])],
    });
  const listening = (event: string): void => {
    const { host, port } = service.gateway;
    announce.listening(service);
    writeStatus("healthy");
    record(event, { host, port, run_id: service.runId });
  };
  listening("daemon.healthy");

  let stopping: Promise<void> | undefined;
  let reloading = Promise.resolve();
  const reload = (read: () => Promise<DaemonSetup>): Promise<void> =>
    telemetry.span("daemon.reload", {}, async (span) => {
      record("daemon.reload_requested");
      try {
        const next = await read();
        if (stopping !== undefined) return;
        await service.adopt(next);
        setup = next;
        refusal = undefined;
      } catch (error) {
        if (stopping !== undefined) return;
        refusal = error instanceof Error ? error.message : String(error);
        span.set({ status: "failed" });
        record("daemon.reload_config_failed", { level: "error", error: refusal });
        options.log.error("daemon.reload_config_failed", { error: refusal });
        writeStatus("healthy");
        return;
      }
      // It reads the config and the plugins itself, and goes on where the other one stopped.
      await supervisor.stop(LIMITS.recorderStopMs);
      if (stopping !== undefined) return;
      supervisor = superviseRecorder(setup.recorder);
      listening("daemon.reloaded");
    });
  const shutdown = (reason: string): Promise<void> =>
    telemetry.span("daemon.shutdown", { shutdown_reason: reason }, async () => {
      record("daemon.stopping", { reason });
      writeStatus("stopping");
      try {
        await telemetry.span("source.stop", { hyp_source: "ai-gateway" }, () =>
          service.stop(setup.config.drainMs),
        );
      } finally {
        await supervisor.stop(options.recorderStopMs);
        clearInterval(trimming);
        announce.silent();
        writeStatus("stopped");
        announce.gone();
        record("daemon.stopped");
        await events.close();
        lock.release();
      }
    });
  return {
    service,
    get supervisor() {
      return supervisor;
    },
    // One after the other: what was asked for last is what holds.
    reload: (read) => (reloading = reloading.then(() => (stopping === undefined ? reload(read) : undefined))),
    stop: (reason) => (stopping ??= shutdown(reason)),
    cut: () => void service.gateway.stop({ drainMs: 0 }),
  };
}

/** A command that looks whether a daemon runs holds the lock for a moment; that must not cost a start. */
function lockOf({ paths }: DaemonOptions): Lock {
  for (let tries = 1; ; tries++) {
    const lock = tryLock(paths.daemonLock);
    if (lock !== undefined) return lock;
    const pid = runningDaemon(paths)?.pid;
    if (pid === undefined && tries < LOCK_TRIES) continue;
    const who = pid === undefined ? "" : ` (pid ${pid})`;
    throw new HypError("daemon_running", `A daemon already runs for ${paths.home}${who}.`);
  }
}
