import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { FlowContext } from "./flow.ts";
import { eventually, start } from "./process.ts";

const SYSTEMD = "/lib/systemd/systemd";
/** It refuses to run where the system was not booted with it, and wants control groups of its own. */
const PREPARED = `
mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/systemd/system &&
umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec ${SYSTEMD} --user`;

/** A real service manager of an account, as `systemctl --user` finds it with this environment. */
export interface UserSystemd {
  readonly env: Readonly<Record<string, string>>;
  /** Ends it and everything that it runs. */
  stop(): Promise<void>;
}

/** Skips the flow where there is no systemd, or none can be started. */
export async function startUserSystemd(ctx: FlowContext): Promise<UserSystemd> {
  if (process.platform !== "linux" || !existsSync(SYSTEMD)) ctx.skip("no systemd");
  if (process.getuid?.() !== 0) ctx.skip("only root can start a systemd of its own");
  if (spawnSync("unshare", ["-m", "-C", "true"]).status !== 0) ctx.skip("no namespaces may be made here");
  const runtime = join(ctx.folder, "run");
  mkdirSync(runtime, { mode: 0o700 });
  const env = { ...ctx.env, XDG_RUNTIME_DIR: runtime };
  const manager = start("unshare", ["-m", "-C", "sh", "-c", PREPARED], env);
  const stop = async (): Promise<void> => {
    manager.signal("SIGTERM");
    await manager.exited;
  };
  const isUp = async (): Promise<boolean> =>
    (await ctx.run("systemctl", ["--user", "show", "--property=Version"], { env })).code === 0;
  try {
    await eventually("systemd answers", async () => ((await isUp()) ? true : undefined), 10_000);
  } catch {
    await stop();
    ctx.skip(`a systemd of its own does not start: ${manager.stderr().trim() || "no reason given"}`);
  }
  return { env, stop };
}
