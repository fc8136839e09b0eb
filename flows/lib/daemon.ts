import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openRaw } from "@hypaware/testkit";
import { eventually } from "./process.ts";
import type { Finished, Running } from "./process.ts";

/** A running `hyp daemon run --foreground`. */
export interface Daemon {
  readonly process: Running;
  readonly pid: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** SIGTERM, then its end. */
  stop(): Promise<Finished>;
}

export interface GatewayFile {
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly run_id: string;
  readonly started_at: string;
}

/** A JSON file that its owner replaces atomically; undefined while it is not there. */
export function readJson(path: string): unknown {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/** Resolves when the gateway of this very process is announced and answers. */
export async function daemonReady(running: Running, state: string): Promise<Daemon> {
  const failed = running.exited.then(({ code, stdout, stderr }) => {
    throw new Error(`the daemon ended with ${code}\nstdout: ${stdout}\nstderr: ${stderr}`);
  });
  const ready = eventually(
    "the daemon announces its gateway",
    () => {
      const file = readJson(join(state, "run", "gateway.json")) as GatewayFile | undefined;
      return file?.pid === running.pid ? file : undefined;
    },
    15_000,
  );
  const { host, port } = await Promise.race([ready, failed]);
  // A connection without a request: it makes no exchange, so that flows can count.
  await eventually("the gateway accepts", async () => {
    const { socket } = await openRaw(host, port);
    socket.destroy();
    return true;
  });
  return {
    process: running,
    pid: running.pid,
    url: `http://${host}:${port}`,
    port,
    async stop() {
      running.signal("SIGTERM");
      return running.exited;
    },
  };
}

export interface RecorderFile {
  readonly pid: number;
}

/** Process id of the recorder that runs now. */
export function recorderPid(state: string): Promise<number> {
  return eventually("the recorder is announced", () => {
    const file = readJson(join(state, "run", "recorder.json")) as RecorderFile | undefined;
    return file?.pid;
  });
}
