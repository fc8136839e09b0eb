import { rmSync } from "node:fs";
import { writeFileAtomic } from "../disk/atomic.ts";
import type { DaemonOptions } from "./daemon.ts";
import type { GatewayService } from "./gateway-service.ts";
import { processIdentity } from "./process-identity.ts";
import type { DaemonStatus, GatewayFile, PidFile } from "./run-files.ts";
import type { Supervisor } from "./supervisor.ts";

/**
 * What a daemon writes about itself under run/. A file that cannot be written (a full disk, a folder that is gone) is logged, and never the
 * reason that a daemon does not start, or does not end.
 */
export interface Announcement {
  starting(): void;
  listening(service: GatewayService): void;
  status(
    state: DaemonStatus["state"],
    now: {
      readonly service: GatewayService;
      readonly supervisor: Supervisor;
      readonly warnings: readonly string[];
    },
  ): void;
  /** Nobody listens any more. */
  silent(): void;
  gone(): void;
}

export function announcement({ paths, mode, configPath, log }: DaemonOptions): Announcement {
  const startedAt = new Date();
  const identity = processIdentity(process.pid);
  let healthyAt: Date | undefined;
  const attempt = (path: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.error("daemon.announce_failed", {
        path,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
  const write = (path: string, text: string): void => attempt(path, () => writeFileAtomic(path, `${text}\n`));
  const remove = (path: string): void => attempt(path, () => rmSync(path, { force: true }));
  const writePid = (runId: string): void => {
    const file = { pid: process.pid, process: identity, startedAt: startedAt.toISOString(), runId, mode };
    write(paths.pidFile, JSON.stringify(file satisfies PidFile));
  };
  return {
    starting: () => writePid(""),
    listening({ gateway: { host, port }, runId }) {
      healthyAt ??= new Date();
      const started_at = startedAt.toISOString();
      const file: GatewayFile = { pid: process.pid, host, port, run_id: runId, started_at };
      write(paths.gatewayFile, JSON.stringify(file));
      writePid(runId);
    },
    status(state, { service, supervisor, warnings }) {
      const { host, port } = service.gateway;
      const status: DaemonStatus = {
        state,
        pid: process.pid,
        startedAt: startedAt.toISOString(),
        ...(healthyAt && { healthyAt: healthyAt.toISOString() }),
        ...(state === "stopped" && { stoppedAt: new Date().toISOString() }),
        uptimeMs: Date.now() - startedAt.getTime(),
        runId: service.runId,
        mode,
        configPath,
        sources: [
          {
            name: "ai-gateway",
            plugin: "@hypaware/ai-gateway",
            state: state === "stopped" ? "stopped" : "started",
            details: { host, port, recorder: supervisor.state, recorder_restarts: supervisor.restarts },
          },
        ],
        sinks: [],
        warnings,
      };
      write(paths.statusFile, JSON.stringify(status, null, 2));
    },
    silent: () => remove(paths.gatewayFile),
    gone: () => remove(paths.pidFile),
  };
}
