// What a running daemon says of itself in files under run/. A file outlives a killed process, so whoever reads one asks
// whether its process still lives.

import { readFileSync } from "node:fs";
import type { HomePaths } from "../contract/home.ts";
import type { JsonObject } from "../contract/projection.ts";

/** run/gateway.json: where this home's gateway listens. */
export interface GatewayFile {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly run_id: string;
  readonly started_at: string;
}

/** run/hypaware.pid */
export interface PidFile {
  readonly pid: number;
  /** `processIdentity` of `pid`: what tells it from a later process with this number. */
  readonly process?: string | undefined;
  readonly startedAt: string;
  readonly runId: string;
  readonly mode: string;
}

/** `detached`: started by `hyp daemon start` without a service manager. */
export type DaemonMode = "foreground" | "detached";

/** run/status.json */
export interface DaemonStatus {
  readonly state: "starting" | "healthy" | "degraded" | "stopping" | "stopped";
  readonly pid: number;
  readonly startedAt: string;
  readonly healthyAt?: string;
  readonly stoppedAt?: string;
  readonly uptimeMs: number;
  readonly runId: string;
  readonly mode: DaemonMode;
  readonly configPath?: string;
  readonly sources: readonly {
    readonly name: string;
    readonly plugin: string;
    readonly state: "started" | "failed" | "stopped";
    readonly error?: string;
    readonly details?: JsonObject;
  }[];
  readonly sinks: readonly JsonObject[];
  readonly warnings?: readonly string[];
}

/** run/recorder.json: the recorder that holds the lock. */
export interface RecorderFile {
  readonly pid: number;
  readonly started_at: string;
}

export const readGatewayFile = (paths: HomePaths): GatewayFile | undefined =>
  ofLiving(readJson<GatewayFile>(paths.gatewayFile));
export const readPidFile = (paths: HomePaths): PidFile | undefined =>
  ofLiving(readJson<PidFile>(paths.pidFile));
export const readStatusFile = (paths: HomePaths): DaemonStatus | undefined =>
  readJson<DaemonStatus>(paths.statusFile);

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

function ofLiving<T extends { readonly pid: number }>(file: T | undefined): T | undefined {
  return file !== undefined && isAlive(file.pid) ? file : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
