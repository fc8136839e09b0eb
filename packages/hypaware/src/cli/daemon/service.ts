import type { Command } from "commander";
import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { type App, requireValidConfig } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import { endDaemon, runningDaemon } from "../../daemon/running-daemon.ts";
import { untilServiceListens } from "../../daemon/start-detached.ts";
import { ensurePrivateFolder } from "../../disk/folders.ts";
import { type ServiceManager, serviceManager } from "../../service/service-manager.ts";
import { errLog, outLog, type ServiceSpec } from "../../service/service-spec.ts";
import { type CliContext, withApp } from "../context.ts";
import { detachAll, detachedText } from "../detach-all.ts";
import { serviceSpecOf } from "./service-spec-of.ts";
import { stopBoundMs } from "./stop-bound.ts";

interface InstallOptions {
  readonly config?: string;
  readonly bin?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly platform?: string;
}

export function registerDaemonService(daemon: Command, context: CliContext): void {
  daemon
    .command("install")
    .description("run the daemon as a service of this account, now and after each sign-in")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .option("--bin <path>", "the hyp command that the service starts (default: this one)")
    .option("--dry-run", "show the service's files and what would be run, and change nothing")
    .option("--json", "machine-readable")
    .option("--platform <name>", "with --dry-run: show it for linux or darwin")
    .addHelpText("after", "\nExamples:\n  hyp daemon install\n  hyp daemon install --dry-run\n")
    .action((options: InstallOptions) =>
      withApp(context, "daemon install", { configFile: options.config }, (app) =>
        app.telemetry.span("daemon.install", {}, () => install(context, app, options)),
      ),
    );
  daemon
    .command("uninstall")
    .description("detach all clients, stop the service and remove it; what was recorded stays")
    .option("--json", "machine-readable")
    .addHelpText("after", "\nExamples:\n  hyp daemon uninstall\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "daemon uninstall", {}, (app) => uninstall(context, app, options.json === true)),
    );
}

/** Keys are the contract of `hyp daemon install --dry-run --json`. */
function described(manager: ServiceManager, spec: ServiceSpec, platform: string): object {
  const [unit, socket] = manager.files(spec);
  const folder = dirname(manager.targetPath);
  return {
    platform,
    label: manager.label,
    targetPath: manager.targetPath,
    binPath: spec.binPath,
    configPath: spec.configPath,
    logDir: spec.logDir,
    nodePath: spec.nodePath,
    content: unit?.content,
    ...(socket && { socketPath: socket.path, socketContent: socket.content }),
    manageCommands: manager.manageCommands(spec),
    serviceKind: manager.kind,
    ...(manager.kind === "launchd"
      ? { plistDir: folder }
      : { unitName: "hypaware.service", unitDir: folder }),
  };
}

async function install(context: CliContext, app: App, options: InstallOptions): Promise<void> {
  const platform = options.platform ?? process.platform;
  const manager = serviceManager(platform, context.env);
  requireValidConfig(app);
  const spec = serviceSpecOf(app, context.env, options.bin);
  const { stdout } = context;
  if (options.dryRun === true) {
    const shown = described(manager, spec, platform);
    stdout.write(options.json === true ? `${JSON.stringify(shown, null, 2)}\n` : asText(manager, spec));
    return;
  }
  if (platform !== process.platform)
    throw new HypError("usage", `--platform ${platform} is for --dry-run: this is ${process.platform}.`);
  await refuseOthers(app, manager);
  ensurePrivateFolder(app.paths.logs);
  // A service manager makes missing ones with a mode of its own.
  for (const log of [outLog(spec), errLog(spec)]) closeSync(openSync(log, "a", 0o600));
  await manager.install(spec);
  const { host, port } = await untilServiceListens(app.paths, errLog(spec));
  if (options.json === true) {
    const done = { status: "installed", host, port, ...described(manager, spec, platform) };
    stdout.write(`${JSON.stringify(done, null, 2)}\n`);
    return;
  }
  stdout.write(
    `installed ${manager
      .files(spec)
      .map(({ path }) => path)
      .join(" and ")}\n`,
  );
  stdout.write(`listening on http://${host}:${port}\n`);
  if (manager.kind === "systemd-user")
    stdout.write("It runs while you are signed in; loginctl enable-linger keeps it running without.\n");
}

/** One service for an account, one daemon for a home. */
async function refuseOthers({ paths }: App, manager: ServiceManager): Promise<void> {
  if (!(await manager.isAvailable()))
    throw new HypError("service_unavailable", `${manager.kind}: no service manager of this account answers.`);
  const installed = manager.home();
  if (installed !== undefined && installed !== paths.home)
    throw new HypError("service_conflict", `${manager.targetPath} runs the home ${installed}.`);
  const running = runningDaemon(paths);
  const { pid } = await manager.state();
  if (running !== undefined && running.pid !== pid)
    throw new HypError(
      "daemon_running",
      `A daemon that is not the service runs (pid ${running.pid ?? "unknown"}).`,
      {
        next: "Stop it first: hyp daemon stop",
      },
    );
}

function asText(manager: ServiceManager, spec: ServiceSpec): string {
  const files = manager.files(spec).map(({ path, content }) => `would write ${path}:\n\n${content}`);
  const commands = manager.manageCommands(spec).map((words) => `  ${words.join(" ")}`);
  return `${files.join("\n")}\nwould run:\n${commands.join("\n")}\n`;
}

async function uninstall(context: CliContext, app: App, json: boolean): Promise<void> {
  const manager = serviceManager(process.platform, context.env);
  const installed = manager.home();
  if (installed !== undefined && installed !== app.paths.home)
    throw new HypError("service_conflict", `${manager.targetPath} runs the home ${installed}.`);
  // First, so that no client points at nothing, whatever happens next.
  const clients = await detachAll(context.env);
  const removed = await manager.uninstall();
  const daemon = await endDaemon(app.paths, { waitMs: stopBoundMs(app), kill: false });
  const failed = clients.filter(({ status }) => status === "failed");
  if (failed.length > 0 || daemon === "left") context.exitCode = 1;
  if (json) {
    const status = context.exitCode === 0 ? "uninstalled" : "incomplete";
    context.stdout.write(`${JSON.stringify({ status, clients, removed, daemon }, null, 2)}\n`);
    return;
  }
  for (const each of clients) context.stdout.write(`${each.client}: ${detachedText(each)}\n`);
  context.stdout.write(
    removed.length === 0 ? "no service was installed\n" : `removed ${removed.join(" and ")}\n`,
  );
  if (daemon === "left") context.stderr.write("hyp: the daemon does not end. Run: hyp panic\n");
  context.stdout.write(`What was recorded stays in ${app.paths.state}\n`);
}
