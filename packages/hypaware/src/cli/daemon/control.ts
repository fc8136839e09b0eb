import type { Command } from "commander";
import { mkdirSync } from "node:fs";
import { type App, requireValidConfig } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import { type GatewayFile, readGatewayFile, readStatusFile } from "../../daemon/run-files.ts";
import { endDaemon, reloadDaemon, runningDaemon } from "../../daemon/running-daemon.ts";
import { startDetached, untilServiceListens } from "../../daemon/start-detached.ts";
import { ensurePrivateFolder } from "../../disk/folders.ts";
import { resolveHome } from "../../kernel/home.ts";
import { type ServiceManager, serviceManager } from "../../service/service-manager.ts";
import { errLog, outLog } from "../../service/service-spec.ts";
import { type CliContext, withApp } from "../context.ts";
import { OWN_BIN } from "./service-spec-of.ts";
import { stopBoundMs } from "./stop-bound.ts";

export function registerDaemonControl(daemon: Command, context: CliContext): void {
  daemon
    .command("start")
    .description("start the service; without one, a daemon that goes on without this terminal")
    .option("--config <file>", "config file, where no service is installed")
    .addHelpText("after", "\nExamples:\n  hyp daemon start\n")
    .action((options: { config?: string }) =>
      withApp(context, "daemon start", { configFile: options.config }, (app) =>
        start(context, app, options.config),
      ),
    );
  daemon
    .command("stop")
    .description("stop the service and the daemon; running answers end first")
    .addHelpText("after", "\nExamples:\n  hyp daemon stop\n")
    .action(() =>
      withApp(context, "daemon stop", { configFile: configOfLast(context.env) }, (app) => stop(context, app)),
    );
  daemon
    .command("reload")
    .description("let the running daemon read its config again; running answers go on")
    .addHelpText("after", "\nExamples:\n  hyp daemon reload\n")
    .action(() => withApp(context, "daemon reload", {}, (app) => reload(context, app)));
  daemon
    .command("restart")
    .description(
      "stop and start again, for a new version or a plugin's new code; a changed config needs only a reload",
    )
    .option("--config <file>", "config file, where no service is installed")
    .addHelpText("after", "\nExamples:\n  hyp daemon restart\n")
    .action((options: { config?: string }) => {
      const config = options.config ?? configOfLast(context.env);
      return withApp(context, "daemon restart", { configFile: config }, (app) =>
        restart(context, app, config),
      );
    });
}

/** The config file that the daemon of this home was last started with, where nothing names another. */
function configOfLast(env: NodeJS.ProcessEnv): string | undefined {
  return env["HYP_CONFIG"] ? undefined : readStatusFile(resolveHome(env).paths)?.configPath;
}

async function reload(context: CliContext, app: App): Promise<void> {
  requireValidConfig(app);
  const result = await reloadDaemon(app.paths);
  if (result === "none") context.stdout.write("no daemon is running; the config counts at its next start\n");
  else if (result === "silent")
    throw new HypError("daemon_stop_failed", "The daemon did not say whether it took the config.", {
      next: "Look with hyp daemon status, or: hyp daemon restart",
    });
  else if (result.refusal === undefined) context.stdout.write("reloaded; running answers went on\n");
  else throw new HypError("config_invalid", `The daemon goes on as it was: ${result.refusal}`);
}

/** The service manager, when it answers and has a service for this home. */
async function installedService(
  { paths }: Pick<App, "paths">,
  env: NodeJS.ProcessEnv,
): Promise<ServiceManager | undefined> {
  if (process.platform !== "linux" && process.platform !== "darwin") return undefined;
  const manager = serviceManager(process.platform, env);
  return manager.home() === paths.home && (await manager.isAvailable()) ? manager : undefined;
}

async function start(context: CliContext, app: App, config: string | undefined): Promise<void> {
  const running = runningDaemon(app.paths);
  if (running !== undefined) {
    const { pid, mode } = running;
    context.stdout.write(
      `already running (pid ${pid ?? "unknown"}${mode === undefined ? "" : `, ${mode}`})\n`,
    );
    return;
  }
  tellAddress(context, await started(context, app, config));
}

async function started(context: CliContext, app: App, config: string | undefined): Promise<GatewayFile> {
  const { paths } = app;
  const logs = { logDir: paths.logs };
  ensurePrivateFolder(paths.logs);
  const service = await installedService(app, context.env);
  if (service !== undefined) {
    await service.start();
    return untilServiceListens(paths, errLog(logs));
  }
  requireValidConfig(app);
  mkdirSync(paths.home, { recursive: true });
  const named = config === undefined ? [] : ["--config", paths.config];
  return startDetached({
    paths,
    command: [OWN_BIN, "daemon", "run", "--foreground", "--detached", ...named],
    env: { ...context.env, HYP_HOME: paths.home },
    outLog: outLog(logs),
    errLog: errLog(logs),
  });
}

function tellAddress({ stdout }: CliContext, { host, port, pid }: GatewayFile): void {
  stdout.write(`listening on http://${host.includes(":") ? `[${host}]` : host}:${port} (pid ${pid})\n`);
}

async function stop(context: CliContext, app: App): Promise<void> {
  const service = await installedService(app, context.env);
  const wasRunning = runningDaemon(app.paths) !== undefined;
  // Not only the process: the service manager would start it again.
  await service?.stop();
  await endOrThrow(app);
  context.stdout.write(
    wasRunning
      ? "stopped; attached clients have no gateway until: hyp daemon start\n"
      : "no daemon was running\n",
  );
}

async function endOrThrow(app: App): Promise<void> {
  if ((await endDaemon(app.paths, { waitMs: stopBoundMs(app), kill: false })) === "left")
    throw new HypError("daemon_stop_failed", `The daemon has not ended after ${stopBoundMs(app) / 1_000} s.`);
}

async function restart(context: CliContext, app: App, config: string | undefined): Promise<void> {
  // A daemon that runs is worth more than one that cannot start.
  requireValidConfig(app);
  const service = await installedService(app, context.env);
  const before = readGatewayFile(app.paths)?.pid;
  const byService = service !== undefined && (await service.state()).loaded;
  if (service === undefined || !byService || runningDaemon(app.paths) === undefined) {
    await endOrThrow(app);
    tellAddress(context, await started(context, app, config));
    return;
  }
  await service.restart();
  const isNext = (pid: number): boolean => pid !== before;
  tellAddress(
    context,
    await untilServiceListens(app.paths, errLog({ logDir: app.paths.logs }), isNext, stopBoundMs(app)),
  );
}
