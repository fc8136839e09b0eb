import type { Command } from "commander";
import { type App, GATEWAY_PLUGIN, requireValidConfig } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import type { AttachContext, ClientRegistration } from "../contract/plugin.ts";
import { routeKeyOf, routeSecret } from "../daemon/route-secret.ts";
import { didYouMean } from "../kernel/suggest.ts";
import { attachmentOf } from "./attachment-of.ts";
import { type CliContext, withApp } from "./context.ts";
import { neutral } from "./neutral.ts";
import { lastingEndpoint } from "./running-gateway.ts";

export interface ClientFlags {
  readonly client?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface AttachFlags extends ClientFlags {
  readonly config?: string;
  readonly replace?: boolean;
  readonly hooks: boolean;
  readonly toolSearch: boolean;
  readonly hintHeaders: boolean;
}

/** Flags of attach and detach. */
export function clientCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .argument("[client]", "name of a client, or all (default: the first one that hyp run --help would name)")
    .option("--client <name>", "the same")
    .option("--dry-run", "show what would change; write nothing")
    .option("--json", "one line of JSON for each client")
    .option("-y, --yes", "for scripts; nothing is asked anyway");
}

export function registerAttach(program: Command, context: CliContext): void {
  clientCommand(program, "attach")
    .description("point a client's own settings at the gateway; hyp detach gives them back byte for byte")
    .option("--config <file>", "config file (default: <HYP_HOME>/hypaware-config.json)")
    .option("--replace", "replace an address of somebody else's that stands there (detach brings it back)")
    .option("--no-hooks", "without hooks that tell where a session works")
    .option("--no-tool-search", "without the setting that keeps tool search on")
    .option("--no-hint-headers", "without the setting that makes requests say their class and prompt")
    .addHelpText(
      "after",
      `
Only the settings of your user are written, as text: comments, order and line ends stay. Nothing is written unless a gateway
answers. all: every client that seems to be installed.

Examples:
  hyp attach
  hyp attach all
  hyp attach <client> --dry-run
`,
    )
    .action((client: string | undefined, flags: AttachFlags) =>
      withApp(context, "attach", { configFile: flags.config }, (app) => attach(context, app, client, flags)),
    );
}

async function attach(
  context: CliContext,
  app: App,
  named: string | undefined,
  flags: AttachFlags,
): Promise<void> {
  const wanted = flags.client ?? named;
  try {
    requireValidConfig(app);
    if (app.kernel.gateway === undefined)
      throw new HypError(
        "cap_missing",
        `error: attach requires the ${GATEWAY_PLUGIN} plugin to be installed and activated`,
      );
    const clients = await chosenClients(app.registry.clients(), wanted);
    const endpoint = await lastingEndpoint(app, flags.dryRun === true);
    for (const client of clients)
      if (wanted === "all" && (await attachmentOf(client))?.installed === false)
        skipped(context, flags, client.name);
      else {
        const code = await client.attach(attachContext(context, app, client.name, endpoint, flags));
        context.exitCode = Math.max(context.exitCode, code);
      }
  } catch (error) {
    failed(context, "attach", wanted, flags, error);
  }
}

function skipped({ stdout }: CliContext, { json }: ClientFlags, client: string): void {
  const fact = { status: "skipped", action: "attach", client, reason: "not_installed" };
  stdout.write(json === true ? `${JSON.stringify(fact)}\n` : `- ${client}: not installed, left alone\n`);
}

/** What a client tells has texts out of settings files in it, and some of those come with a project that was only cloned. */
export function harmless({ stdout, stderr }: CliContext): Pick<AttachContext, "stdout" | "stderr"> {
  return {
    stdout: { write: (text) => stdout.write(neutral(text)) },
    stderr: { write: (text) => stderr.write(neutral(text)) },
  };
}

/** In JSON a failure is an answer like any other. */
export function failed(
  context: CliContext,
  action: "attach" | "detach",
  client: string | undefined,
  { json, dryRun }: ClientFlags,
  error: unknown,
): void {
  if (json !== true || !(error instanceof HypError)) throw error;
  const { code: error_kind, message, next, exitCode } = error;
  const known = {
    status: "failed",
    action,
    ...(client !== undefined && { client }),
    dry_run: dryRun === true,
  };
  context.stdout.write(`${JSON.stringify({ ...known, error_kind, error: message, next })}\n`);
  context.exitCode = exitCode;
}

/** The named one, all, or the first. */
export async function chosenClients(
  clients: readonly ClientRegistration[],
  wanted: string | undefined,
): Promise<readonly ClientRegistration[]> {
  if (wanted === "all") return clients;
  const client = wanted === undefined ? clients[0] : clients.find(({ name }) => name === wanted);
  if (client !== undefined) return [client];
  const names = clients.map(({ name }) => name);
  throw new HypError(
    "unknown_client",
    `There is no client "${wanted ?? ""}".${didYouMean(wanted ?? "", names)} It is one of: ${names.join(", ") || "none"}, all.`,
    { next: "Name one of them." },
  );
}

function attachContext(
  context: CliContext,
  app: App,
  client: string,
  endpoint: string,
  flags: AttachFlags,
): AttachContext {
  const { upstreams, requireKey } = app.gatewayConfig;
  const key = requireKey ? `/k/${routeKeyOf(routeSecret(app.paths), client)}` : "";
  const parts = { hooks: flags.hooks, "tool-search": flags.toolSearch, "hint-headers": flags.hintHeaders };
  return {
    config: {},
    ...harmless(context),
    endpoint: endpoint + key,
    dryRun: flags.dryRun === true,
    json: flags.json === true,
    replace: flags.replace === true,
    without: Object.entries(parts).flatMap(([name, isWanted]) => (isWanted ? [] : [name])),
    upstreams: Object.fromEntries(
      [...app.registry.presets(), ...upstreams].map(({ name, base_url }) => [name, base_url]),
    ),
  };
}
