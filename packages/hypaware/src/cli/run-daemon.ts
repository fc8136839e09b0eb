import { setTimeout as sleep } from "node:timers/promises";
import { type App, requireValidConfig } from "../app.ts";
import { type Daemon, startDaemon } from "../daemon/daemon.ts";
import type { CliContext } from "./context.ts";
import { greeting } from "./greeting.ts";
import { recorderOptions } from "./recorder-options.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Runs the daemon of this home until a signal stops it. A second signal, or none of it for a minute, ends it at once. */
export async function runDaemon(
  context: CliContext,
  app: App,
  options: { readonly greet: boolean; readonly configFile: string | undefined },
): Promise<void> {
  requireValidConfig(app);
  const warnings = [
    ...app.findings.map(({ message }) => message),
    ...app.kernel.unsatisfied.map(({ detail }) => detail),
    ...app.kernel.failed.map(({ plugin, detail }) => `Plugin "${plugin}" failed: ${detail}`),
  ];
  const stopped = nextSignal();
  const daemon = await startDaemon({
    paths: app.paths,
    listen: app.gatewayConfig.listen,
    config: app.gatewayConfig,
    presets: app.registry.presets(),
    clientNames: app.registry.clients().map(({ name }) => name),
    log: app.log,
    telemetry: app.telemetry,
    configPath: app.paths.config,
    warnings,
    recorder: recorderOptions(context.env, app, options.configFile),
  });
  const { host, port } = daemon.service.gateway;
  if (options.greet) context.stdout.write(greeting(app, { host, port }, warnings, context.env));
  else context.stdout.write(`listening on http://${host}:${port}\n`);
  const reason = await stopped;
  if (options.greet)
    context.stdout.write("\nStopping: letting running answers end (Ctrl-C again to cut them) …\n");
  await stopOrCut(daemon, reason);
}

async function stopOrCut(daemon: Daemon, reason: string): Promise<void> {
  const impatient = nextSignal();
  const ended = daemon.stop(reason).then(() => true);
  const isEnded = await Promise.race([ended, impatient.then(() => false)]);
  if (!isEnded) process.exit(1);
}

/** The next stop signal. A terminal's Ctrl-C can arrive twice at once (from the terminal and from a launcher): that is one. */
async function nextSignal(): Promise<string> {
  const signal = await new Promise<string>((resolve) => {
    for (const name of STOP_SIGNALS) process.once(name, () => resolve(name));
  });
  const ignore = (): void => {};
  for (const name of STOP_SIGNALS) process.on(name, ignore);
  await sleep(200);
  for (const name of STOP_SIGNALS) process.off(name, ignore);
  return signal;
}
