import { join } from "node:path";

/** Where everything of one installation lives. All folders are 0700, all files 0600. */
export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly state: string;
  readonly journal: string;
  readonly store: string;
  readonly catalog: string;
  readonly segments: string;
  readonly run: string;
  readonly logs: string;
  readonly plugins: string;
  /** What was installed: a folder of its own per install, named by the lock. `plugins` is what plugins write themselves. */
  readonly pluginCode: string;
  readonly pluginLock: string;
  readonly devTelemetry: string;
  readonly tmp: string;
  readonly recorderLock: string;
  readonly daemonLock: string;
  readonly gatewayFile: string;
  readonly statusFile: string;
  readonly pidFile: string;
}

/** `home` is HYP_HOME, absolute; `config` overrides `<home>/hypaware-config.json`. Pure: creates nothing. */
export function homePaths(home: string, config = join(home, "hypaware-config.json")): HomePaths {
  const state = join(home, "hypaware");
  const store = join(state, "store");
  const run = join(state, "run");
  return {
    home,
    config,
    state,
    journal: join(state, "journal"),
    store,
    catalog: join(store, "catalog.sqlite"),
    segments: join(store, "segments"),
    run,
    logs: join(state, "logs"),
    plugins: join(state, "plugins"),
    pluginCode: join(state, "plugin-code"),
    pluginLock: join(state, "plugin-lock.json"),
    devTelemetry: join(state, "dev-telemetry"),
    tmp: join(state, "tmp"),
    recorderLock: join(run, "recorder.lock"),
    daemonLock: join(run, "daemon.lock"),
    gatewayFile: join(run, "gateway.json"),
    statusFile: join(run, "status.json"),
    pidFile: join(run, "hypaware.pid"),
  };
}
