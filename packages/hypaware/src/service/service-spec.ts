import type { ListenAddress } from "../gateway/listen.ts";

/** What a service manager is to run. All paths are absolute. */
export interface ServiceSpec {
  readonly nodePath: string;
  readonly binPath: string;
  readonly configPath: string;
  readonly logDir: string;
  /** Variables that the daemon would have in the person's terminal and needs as a service, HYP_HOME first. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the service manager itself can listen for us; undefined when the port is any free one or the host a name. */
  readonly socket: ListenAddress | undefined;
  /** How long a stop may take: running answers end, then the recorder finishes. */
  readonly stopSeconds: number;
}

/** A file that the service manager reads. */
export interface ServiceFile {
  readonly path: string;
  readonly content: string;
}

/** Set in the daemon's environment by the service's file: a start that fails has to be slow there. */
export const SERVICE_VARIABLE = "HYP_SERVICE";

export const DESCRIPTION = "HypAware daemon (hypaware)";

export function serviceCommand(spec: ServiceSpec): readonly string[] {
  return [spec.nodePath, spec.binPath, "daemon", "run", "--foreground", "--config", spec.configPath];
}

export const outLog = (spec: Pick<ServiceSpec, "logDir">): string => `${spec.logDir}/daemon.out.log`;
export const errLog = (spec: Pick<ServiceSpec, "logDir">): string => `${spec.logDir}/daemon.err.log`;
