import { existsSync } from "node:fs";
import { HypError } from "../contract/errors.ts";
import { launchdService } from "./launchd-service.ts";
import { commandRunner, type CommandRunner } from "./command-runner.ts";
import type { ServiceFile, ServiceSpec } from "./service-spec.ts";
import { systemdService } from "./systemd-service.ts";

export interface ServiceState {
  /** Our file is where the service manager looks for it. */
  readonly installed: boolean;
  /** The service manager knows it. */
  readonly loaded: boolean;
  readonly running: boolean;
  readonly pid: number | null;
}

/** Steers our service through the service manager of this system and account. What it refuses is a HypError `service_failed`. */
export interface ServiceManager {
  readonly kind: "systemd-user" | "launchd";
  readonly label: string;
  /** Of the file that defines the service. */
  readonly targetPath: string;
  /** The home that the installed service runs; undefined when none is installed. */
  home(): string | undefined;
  /** Node and the command that the installed service starts; empty when none is installed. */
  programs(): readonly string[];
  /** Where a service manager answers. */
  isAvailable(): Promise<boolean>;
  files(spec: ServiceSpec): readonly ServiceFile[];
  /** What `install` runs after the files are written. */
  manageCommands(spec: ServiceSpec): readonly (readonly string[])[];
  /** Writes the files and starts the service, or starts it again. */
  install(spec: ServiceSpec): Promise<void>;
  /** Stops it and removes the files. Resolves with what was removed. */
  uninstall(): Promise<readonly string[]>;
  start(): Promise<void>;
  /** Until the next start or sign-in; its address is free meanwhile. */
  stop(): Promise<void>;
  /** Stops it, and no sign-in starts it again. */
  disable(): Promise<void>;
  restart(): Promise<void>;
  /** Never rejects. */
  state(): Promise<ServiceState>;
}

/** Throws `unsupported platform` for any other. `run`: for tests. */
export function serviceManager(
  platform: string,
  env: NodeJS.ProcessEnv,
  run: CommandRunner = commandRunner(env),
): ServiceManager {
  if (platform === "linux") return systemdService(env, run);
  if (platform === "darwin") return launchdService(env, run);
  throw new HypError("usage", `unsupported platform: ${platform} (only darwin and linux are supported)`);
}

/** What `hyp status` says of the service of this home; all false where there is none. */
export async function serviceState(
  home: string,
  env: NodeJS.ProcessEnv,
  platform: string = process.platform,
): Promise<ServiceState & { readonly missing?: string }> {
  const manager = platform === "linux" || platform === "darwin" ? serviceManager(platform, env) : undefined;
  // An account has one service; it may be another home's.
  if (manager?.home() !== home) return { installed: false, loaded: false, running: false, pid: null };
  const missing = manager.programs().find((path) => !existsSync(path));
  return { ...(await manager.state()), ...(missing !== undefined && { missing }) };
}
