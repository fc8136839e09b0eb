import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type HomePaths, homePaths } from "../contract/home.ts";
import { processIdentity } from "./process-identity.ts";
import { endDaemon, runningDaemon } from "./running-daemon.ts";

const undo: (() => void)[] = [];
afterEach(() => undo.splice(0).forEach((each) => each()));

function home(): HomePaths {
  const folder = mkdtempSync(join(tmpdir(), "hyp-running-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  const paths = homePaths(folder);
  mkdirSync(paths.run, { recursive: true });
  return paths;
}

/** A process that holds the daemon's lock as a daemon does. `deaf`: it does not end when told to. */
async function holder(paths: HomePaths, deaf = false): Promise<number> {
  const lock = new URL("../disk/lock.ts", import.meta.url).href;
  const program = `
    const { tryLock } = await import(${JSON.stringify(lock)});
    const lock = tryLock(${JSON.stringify(paths.daemonLock)});
    ${deaf ? 'process.on("SIGTERM", () => {});' : ""}
    setInterval(() => lock, 1000);
    console.log("held");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "pipe" });
  undo.push(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const { pid = 0 } = child;
  write(paths, pid, processIdentity(pid));
  return pid;
}

function write(paths: HomePaths, pid: number, process: string | undefined): void {
  writeFileSync(paths.pidFile, JSON.stringify({ pid, process, startedAt: "", runId: "r", mode: "detached" }));
}

const lives = (pid: number): boolean => processIdentity(pid) !== undefined;

test("a process has one identity, and others have others", () => {
  const own = processIdentity(process.pid);
  expect(own).toBeDefined();
  expect(processIdentity(process.pid)).toBe(own);
  expect(processIdentity(process.ppid)).not.toBe(own);
  expect(processIdentity(4_194_305)).toBeUndefined();
});

test("a home where nothing ran has no daemon, nor has one with a stale file", async () => {
  const paths = home();
  expect(runningDaemon(paths)).toBeUndefined();
  write(paths, process.pid, "of long ago");
  expect(runningDaemon(paths)).toBeUndefined();
  expect(await endDaemon(paths, { waitMs: 10, kill: true })).toBe("none");
});

test("a daemon is ended when it is told to", async () => {
  const paths = home();
  const pid = await holder(paths);
  expect(runningDaemon(paths)).toEqual({ pid, mode: "detached" });
  expect(await endDaemon(paths, { waitMs: 5_000, kill: false })).toBe("ended");
  expect(lives(pid)).toBe(false);
});

test("one that does not listen is left, or killed", async () => {
  const paths = home();
  const pid = await holder(paths, true);
  expect(await endDaemon(paths, { waitMs: 100, kill: false })).toBe("left");
  expect(lives(pid)).toBe(true);
  expect(await endDaemon(paths, { waitMs: 100, kill: true })).toBe("killed");
  expect(lives(pid)).toBe(false);
});

test.each([
  ["another process by now", (paths: HomePaths) => write(paths, process.ppid, "of long ago")],
  ["no number", (paths: HomePaths) => writeFileSync(paths.pidFile, '{"pid":"1; rm"}')],
  ["a group", (paths: HomePaths) => write(paths, -1, undefined)],
  ["torn", (paths: HomePaths) => writeFileSync(paths.pidFile, '{"pid":')],
])("a file whose number is %s makes us signal nobody", async (_, spoil) => {
  const paths = home();
  const pid = await holder(paths);
  spoil(paths);
  expect(runningDaemon(paths)).toEqual({ pid: undefined, mode: undefined });
  expect(await endDaemon(paths, { waitMs: 50, kill: true })).toBe("left");
  expect(lives(pid)).toBe(true);
});
