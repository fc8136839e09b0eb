import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type App, openApp, requireValidConfig } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import type { HomePaths } from "../../contract/home.ts";
import { LIMITS } from "../../contract/limits.ts";
import { type Daemon, type DaemonSetup, startDaemon } from "../../daemon/daemon.ts";
import { tellFailedStart, writeFailedStart } from "../../daemon/failed-start.ts";
import type { DaemonMode } from "../../daemon/run-files.ts";
import { ensurePrivateFolder } from "../../disk/folders.ts";
import { takePassedSocket } from "../../gateway/passed-socket.ts";
import { errLog, outLog, SERVICE_VARIABLE } from "../../service/service-spec.ts";
import { type CliContext, warningsOnStderr } from "../context.ts";
import { greeting } from "../greeting.ts";
import { recorderOptions } from "../recorder-options.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface DaemonRun {
  /** For a person at a terminal: say where it listens and what to do; a terminal that closes ends it. Otherwise SIGHUP reloads. */
  readonly greet: boolean;
  readonly configFile: string | undefined;
  readonly mode: DaemonMode;
}

/**
 * Runs the daemon of this home until a signal stops it: running answers end. A second signal cuts them, a third ends the
 * process as it stands.
 */
export async function runDaemon(context: CliContext, app: App, run: DaemonRun): Promise<void> {
  const passedSocket = takePassedSocket(context.env);
  const isService = context.env[SERVICE_VARIABLE] !== undefined;
  const stopped = nextSignal(run.greet ? [...STOP_SIGNALS, "SIGHUP"] : STOP_SIGNALS);
  let started: Promise<Daemon> | undefined;
  const apps = new ReloadedApps(context, run);
  if (!run.greet)
    process.on(
      "SIGHUP",
      () => void started?.then((daemon) => daemon.reload(() => apps.read())).catch(() => {}),
    );
  try {
    requireValidConfig(app);
    started = startDaemon({
      ...setupOf(context, app, run),
      paths: app.paths,
      passedSocket,
      log: app.log,
      telemetry: app.telemetry,
      configPath: app.paths.config,
      mode: run.mode,
      recorderStopMs: isService ? LIMITS.recorderRestartStopMs : LIMITS.recorderStopMs,
      appendedLogs: [outLog, errLog]
        .map((log) => log({ logDir: app.paths.logs }))
        .concat(join(app.paths.logs, "recorder.stderr.log")),
    });
    const daemon = await started;
    const { host, port } = daemon.service.gateway;
    if (run.greet) context.stdout.write(greeting(app, { host, port }, warningsOf(app), context.env));
    else context.stdout.write(`listening on http://${host}:${port}\n`);
    const reason = await stopped;
    if (run.greet)
      context.stdout.write("\nStopping: letting running answers end (Ctrl-C again to cut them) …\n");
    await stopOrCut(daemon, reason);
  } catch (error) {
    if (isService) await stayDown(app.paths, run.mode, error, passedSocket, stopped);
    throw error;
  } finally {
    await apps.close();
  }
}

async function stayDown(
  paths: HomePaths,
  mode: DaemonMode,
  error: unknown,
  passedSocket: number | undefined,
  stopped: Promise<string>,
): Promise<void> {
  const code = error instanceof HypError ? error.code : "unhandled_exception";
  // The files are those of the daemon that runs.
  if (code !== "daemon_running") {
    ensurePrivateFolder(paths.run);
    writeFailedStart(paths, mode, error instanceof Error ? error.message : String(error));
  }
  const ending = new AbortController();
  void stopped.then(() => ending.abort());
  await tellFailedStart(passedSocket, code, LIMITS.failedStartMs, ending.signal);
}

/** The config as it is now, with the plugins that it names; each reading takes the place of the one before. */
class ReloadedApps {
  readonly #context: CliContext;
  readonly #run: DaemonRun;
  #current: App | undefined;

  constructor(context: CliContext, run: DaemonRun) {
    this.#context = context;
    this.#run = run;
  }

  /** Rejects when the config cannot be used; then the reading before still holds. */
  async read(): Promise<DaemonSetup> {
    const { env } = this.#context;
    const logSinks = warningsOnStderr(this.#context);
    const next = await openApp({ env, configFile: this.#run.configFile, mode: "gateway", logSinks });
    try {
      requireValidConfig(next);
    } catch (error) {
      await next.close();
      throw error;
    }
    await this.#current?.close();
    this.#current = next;
    return setupOf(this.#context, next, this.#run);
  }

  async close(): Promise<void> {
    await this.#current?.close();
  }
}

function setupOf(context: CliContext, app: App, { configFile }: DaemonRun): DaemonSetup {
  return {
    listen: app.gatewayConfig.listen,
    config: app.gatewayConfig,
    presets: app.registry.presets(),
    clientNames: app.registry.clients().map(({ name }) => name),
    warnings: warningsOf(app),
    recorder: recorderOptions(context.env, app, configFile),
  };
}

const warningsOf = ({ findings, kernel }: App): readonly string[] => [
  ...findings.map(({ message }) => message),
  ...kernel.unsatisfied.map(({ detail }) => detail),
  ...kernel.failed.map(
    ({ plugin, detail }) => `Plugin "${plugin}" failed: ${detail} (what mends it: hyp plugin doctor)`,
  ),
];

async function stopOrCut(daemon: Daemon, reason: string): Promise<void> {
  void nextSignal(STOP_SIGNALS).then(async () => {
    const third = nextSignal(STOP_SIGNALS);
    daemon.cut();
    await third;
    process.exit(1);
  });
  await daemon.stop(reason);
}

/** The next stop signal. A terminal's Ctrl-C can arrive twice at once (from the terminal and from a launcher): that is one. */
async function nextSignal(names: readonly NodeJS.Signals[]): Promise<string> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of names) process.once(name, () => resolve(name));
  });
  const ignore = (): void => {};
  for (const name of names) process.on(name, ignore);
  await sleep(200);
  for (const name of names) process.off(name, ignore);
  return signal;
}
