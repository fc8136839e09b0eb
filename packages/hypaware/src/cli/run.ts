import type { Command } from "commander";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type App, requireValidConfig } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ClientLaunch, ClientRegistration } from "../contract/plugin.ts";
import type { GatewayService } from "../daemon/gateway-service.ts";
import { routeKeyOf, routeSecret } from "../daemon/route-secret.ts";
import { superviseRecorder } from "../daemon/supervisor.ts";
import type { ConfiguredUpstream, GatewayConfig } from "../gateway/config-defaults.ts";
import { isLoopbackHost } from "../gateway/listen.ts";
import { didYouMean } from "../kernel/suggest.ts";
import { attachmentOf } from "./attachment-of.ts";
import { type CliContext, withApp } from "./context.ts";
import { recorderOptions } from "./recorder-options.ts";
import { runningGateway } from "./running-gateway.ts";

/** Once the client is gone nobody waits for an answer any more. */
const DRAIN_MS = Math.min(1_000, LIMITS.drainMs);

export function registerRun(program: Command, context: CliContext): void {
  program
    .command("run")
    .argument("<client>", "name of an installed client")
    .argument("[args...]", "everything after -- goes to the client")
    .description("start a client whose traffic goes through the gateway; writes no settings")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .passThroughOptions()
    .addHelpText(
      "after",
      `
Uses the running gateway of this home, or starts one on a free port for as long as the client runs.
The client's settings files stay as they are; it is told by its environment and its arguments. Exits with the client's exit code.

Examples:
  hyp run <client>
  hyp run <client> -- --its-own-option "a prompt"
`,
    )
    .action((client: string, args: string[], options: { config?: string }) =>
      withApp(context, "run", { mode: "gateway", configFile: options.config }, (app) =>
        runClient(context, app, client, args[0] === "--" ? args.slice(1) : args, options.config),
      ),
    );
}

async function runClient(
  context: CliContext,
  app: App,
  clientName: string,
  args: readonly string[],
  configFile: string | undefined,
): Promise<void> {
  const clients = app.registry.clients().filter((client) => client.launch !== undefined);
  const client = clients.find(({ name }) => name === clientName);
  if (client?.launch === undefined) {
    const names = clients.map(({ name }) => name);
    throw new HypError(
      "unknown_client",
      `hyp cannot run "${clientName}".${didYouMean(clientName, names)} It knows: ${names.join(", ") || "none"}.`,
    );
  }
  requireValidConfig(app);
  const key = `/k/${routeKeyOf(routeSecret(app.paths), clientName)}`;
  const ownUpstream = upstreamOfPerson(client, args, context.env);
  const running = ownUpstream === undefined ? await runningGateway(app) : undefined;
  if (running !== undefined) {
    const launch = client.launch({ endpoint: running + key, args });
    context.exitCode = await runToEnd(launch, context);
    return;
  }

  // The byte path is a third of all modules; whoever only asks need not load it.
  const { startGatewayService } = await import("../daemon/gateway-service.ts");
  const start = (port: number): Promise<GatewayService> =>
    startGatewayService({
      paths: app.paths,
      listen: { host: "127.0.0.1", port },
      config: withUpstream(app.gatewayConfig, ownUpstream),
      presets: app.registry.presets(),
      clientNames: app.registry.clients().map(({ name }) => name),
      log: app.log,
    });
  // A client may prefer its settings to what it is started with: one that is attached finds us where they say.
  const { attached, port: known = 0 } = (await attachmentOf(client)) ?? {};
  const service = await start(attached === true ? known : 0).catch((error: unknown) => {
    if (!(error instanceof HypError) || error.code !== "port_taken") throw error;
    return start(0);
  });
  const supervisor = superviseRecorder(recorderOptions(context.env, app, configFile));
  try {
    const { host, port } = service.gateway;
    const launch = client.launch({ endpoint: `http://${host}:${port}${key}`, args });
    context.exitCode = await runToEnd(launch, context);
  } finally {
    await service.stop(DRAIN_MS);
    await supervisor.stop(LIMITS.recorderStopMs);
  }
}

/**
 * Where the person's own environment or settings send this client, e.g. to a company's proxy. What is put there instead is us, so that
 * place becomes our upstream: its key must not go to anybody else. A running gateway has its own upstreams and is not used.
 */
function upstreamOfPerson(
  client: ClientRegistration,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ConfiguredUpstream | undefined {
  const endpoint = "http://127.0.0.1";
  const launch = client.launch?.({ endpoint, args });
  const variables = Object.entries(launch?.env ?? {});
  const name = variables.find(([, value]) => value.startsWith(endpoint))?.[0];
  const own = launch?.replaces ?? (name === undefined ? undefined : env[name]);
  if (own === undefined || !/^https?:/i.test(own) || !URL.canParse(own)) return undefined;
  const { hostname } = new URL(own);
  if (isLoopbackHost(hostname.replace(/^\[|\]$/g, ""))) return undefined;
  return { name: client.defaultUpstream, base_url: own };
}

/** The config's own word about that upstream goes before the environment's. */
function withUpstream(config: GatewayConfig, upstream: ConfiguredUpstream | undefined): GatewayConfig {
  if (upstream === undefined || config.upstreams.some(({ name }) => name === upstream.name)) return config;
  return { ...config, upstreams: [...config.upstreams, upstream] };
}

/** Runs the client in this terminal. Resolves with its exit code, 128 + n when signal n ended it. */
async function runToEnd(launch: ClientLaunch, { env }: CliContext): Promise<number> {
  const child = spawn(launch.command, [...launch.args], { stdio: "inherit", env: { ...env, ...launch.env } });
  // A terminal's Ctrl-C reaches the client directly, and what it means is the client's decision.
  const ignore = (): void => {};
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on("SIGINT", ignore).on("SIGTERM", forward).on("SIGHUP", forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "ENOENT"
            ? new HypError("client_not_found", `The command "${launch.command}" was not found.`)
            : error,
        ),
      );
      child.once("exit", (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward).off("SIGHUP", forward);
  }
}
