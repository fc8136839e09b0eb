import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HypError } from "../contract/errors.ts";
import { homeOfPlist, LAUNCHD_LABEL, programsOfPlist, renderLaunchdPlist } from "./launchd-plist.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { ServiceManager, ServiceState } from "./service-manager.ts";
import { writeServiceFile } from "./write-service-file.ts";

/** `bootout` returns before the old one is gone, and until then `bootstrap` fails with an input/output error. */
const BOOTSTRAP_TRIES = 20;
const RETRY_MS = 500;

/** An agent of the account that is signed in at the screen. */
export function launchdService(env: NodeJS.ProcessEnv, run: CommandRunner): ServiceManager {
  const plistPath = join(env["HOME"] || homedir(), "Library", "LaunchAgents", `${LAUNCHD_LABEL}.plist`);
  const domain = `gui/${process.getuid?.() ?? 0}`;
  const target = `${domain}/${LAUNCHD_LABEL}`;
  const ask = (...args: readonly string[]) => run("launchctl", args);

  async function order(...args: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await ask(...args);
    if (code === 0) return;
    const words = stderr.trim() || stdout.trim() || `it ended with ${code}`;
    throw new HypError("service_failed", `launchctl ${args.join(" ")}: ${words}`);
  }

  async function state(): Promise<ServiceState> {
    const { code, stdout } = await ask("print", target);
    const pid = Number(/^\s*pid = (\d+)$/m.exec(stdout)?.[1] ?? 0);
    const loaded = code === 0;
    return {
      installed: existsSync(plistPath),
      loaded,
      running: loaded && pid > 0,
      pid: pid > 0 ? pid : null,
    };
  }

  async function bootstrap(): Promise<void> {
    await order("enable", target);
    for (let tries = 1; ; tries++) {
      try {
        return await order("bootstrap", domain, plistPath);
      } catch (error) {
        if (tries === BOOTSTRAP_TRIES) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  async function bootout(): Promise<void> {
    if ((await state()).loaded) await order("bootout", target);
  }

  /** Not `kickstart -k`, which kills: running answers are to end. KeepAlive brings it back. */
  async function restart(): Promise<void> {
    const before = await state();
    if (!before.loaded) return bootstrap();
    if (before.pid === null) return order("kickstart", target);
    await order("kill", "SIGTERM", target);
  }

  return {
    kind: "launchd",
    label: LAUNCHD_LABEL,
    targetPath: plistPath,
    home: () => (existsSync(plistPath) ? homeOfPlist(readFileSync(plistPath, "utf8")) : undefined),
    programs: () => (existsSync(plistPath) ? programsOfPlist(readFileSync(plistPath, "utf8")) : []),
    isAvailable: async () => (await ask("print", domain)).code === 0,
    files: (spec) => [{ path: plistPath, content: renderLaunchdPlist(spec) }],
    manageCommands: () => [
      ["launchctl", "bootout", target],
      ["launchctl", "enable", target],
      ["launchctl", "bootstrap", domain, plistPath],
    ],
    async install(spec) {
      writeServiceFile({ path: plistPath, content: renderLaunchdPlist(spec) });
      await bootout();
      await bootstrap();
    },
    async uninstall() {
      await bootout();
      if (!existsSync(plistPath)) return [];
      rmSync(plistPath);
      return [plistPath];
    },
    async start() {
      if ((await state()).loaded) await order("kickstart", target);
      else await bootstrap();
    },
    stop: bootout,
    async disable() {
      await bootout();
      await order("disable", target);
    },
    restart,
    state,
  };
}
