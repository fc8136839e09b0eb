import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import type { CommandRunner } from "./command-runner.ts";
import type { ServiceManager } from "./service-manager.ts";
import type { ServiceFile, ServiceSpec } from "./service-spec.ts";
import { unquoteWord } from "./systemd-quote.ts";
import {
  programsOfUnit,
  renderSystemdSocket,
  renderSystemdUnit,
  SERVICE_UNIT,
  SOCKET_UNIT,
} from "./systemd-unit.ts";
import { writeServiceFile } from "./write-service-file.ts";

/** Of the account's own manager, `systemctl --user`. */
export function systemdService(env: NodeJS.ProcessEnv, run: CommandRunner): ServiceManager {
  const config = env["XDG_CONFIG_HOME"] || join(env["HOME"] || homedir(), ".config");
  const folder = join(config, "systemd", "user");
  const unitPath = join(folder, SERVICE_UNIT);
  const socketPath = join(folder, SOCKET_UNIT);
  const ask = (...args: readonly string[]) => run("systemctl", ["--user", ...args]);

  async function order(...args: readonly string[]): Promise<void> {
    const { code, stderr, stdout } = await ask(...args);
    if (code === 0) return;
    const words = stderr.trim() || stdout.trim() || `it ended with ${code}`;
    throw new HypError("service_failed", `systemctl --user ${args.join(" ")}: ${words}`);
  }

  const units = (): readonly string[] =>
    existsSync(socketPath) ? [SOCKET_UNIT, SERVICE_UNIT] : [SERVICE_UNIT];

  function files(spec: ServiceSpec): readonly ServiceFile[] {
    const socket = renderSystemdSocket(spec);
    const unit = { path: unitPath, content: renderSystemdUnit(spec) };
    return socket === undefined ? [unit] : [unit, { path: socketPath, content: socket }];
  }

  /** The socket cannot change its address while the service has it; otherwise it is not let go of. */
  function commands(spec: ServiceSpec, moves: boolean): readonly (readonly string[])[] {
    const all = spec.socket === undefined ? [SERVICE_UNIT] : [SOCKET_UNIT, SERVICE_UNIT];
    return [
      ["daemon-reload"],
      ...(moves ? [["stop", SOCKET_UNIT, SERVICE_UNIT]] : []),
      ["enable", ...all],
      ...(spec.socket === undefined ? [] : [["start", SOCKET_UNIT]]),
      ["restart", SERVICE_UNIT],
    ];
  }

  return {
    kind: "systemd-user",
    label: "hypaware",
    targetPath: unitPath,
    home() {
      if (!existsSync(unitPath)) return undefined;
      const line = /^Environment=("HYP_HOME=.*")$/m.exec(readFileSync(unitPath, "utf8"))?.[1] ?? "";
      return unquoteWord(line).replace("HYP_HOME=", "");
    },
    programs: () => (existsSync(unitPath) ? programsOfUnit(readFileSync(unitPath, "utf8")) : []),
    isAvailable: async () => (await ask("show", "--property=Version")).code === 0,
    files,
    manageCommands: (spec) => commands(spec, false).map((args) => ["systemctl", "--user", ...args]),
    async install(spec) {
      const socket = renderSystemdSocket(spec);
      const moves = existsSync(socketPath) && readFileSync(socketPath, "utf8") !== socket;
      for (const file of files(spec)) writeServiceFile(file);
      // A stop needs the file of what it stops.
      const steps = commands(spec, moves);
      for (const args of steps) await order(...args);
      if (socket === undefined && existsSync(socketPath)) {
        await order("disable", SOCKET_UNIT);
        rmSync(socketPath);
        await order("daemon-reload");
      }
    },
    async uninstall() {
      const removed = [unitPath, socketPath].filter((path) => existsSync(path));
      if (removed.length === 0) return [];
      await order("disable", "--now", ...units());
      for (const path of removed) rmSync(path);
      await order("daemon-reload");
      return removed;
    },
    async start() {
      await order("enable", ...units());
      await order("start", ...units());
    },
    // Together: a socket that is left would start the service with the next request.
    stop: () => order("stop", ...units()),
    disable: () => order("disable", "--now", ...units()),
    restart: () => order("restart", SERVICE_UNIT),
    async state() {
      const shown = await ask("show", SERVICE_UNIT, "--property=LoadState,ActiveState,MainPID");
      const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(shown.stdout)?.[1] ?? "";
      const pid = Number(value("MainPID"));
      return {
        installed: existsSync(unitPath),
        loaded: value("LoadState") === "loaded",
        running: value("ActiveState") === "active",
        pid: Number.isInteger(pid) && pid > 0 ? pid : null,
      };
    },
  };
}
