import type { App } from "../app.ts";
import type { ClientLaunch } from "../contract/plugin.ts";

const TRY_QUERY =
  "select started_at, upstream, method, path, status_code, model, output_tokens from ai_gateway_exchanges order by started_at desc limit 10";

/** What a person reads when the gateway is up: where it listens, how to attach, what to ask. */
export function greeting(
  app: App,
  address: { readonly host: string; readonly port: number },
  warnings: readonly string[],
  env: NodeJS.ProcessEnv,
): string {
  // Started by npm in a checkout there is no `hyp` on the PATH, but npx finds the one of the workspace.
  const hyp = env["npm_lifecycle_event"] === undefined ? "hyp" : "npx hyp";
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const endpoint = `http://${host}:${address.port}`;
  const clients = app.registry.clients().filter((client) => client.launch !== undefined);
  const lines = [
    `HypAware listens on ${endpoint}`,
    `  records into  ${app.paths.state}`,
    "",
    "Attach a client (in another terminal; no settings are written):",
    ...clients.map(({ name }) => `  ${hyp} run ${name}`),
    ...clients.map((client) => `  ${byHand(client.launch?.({ endpoint, args: [] }))}`),
    "",
    "Read the history:",
    `  ${hyp} query sql "${TRY_QUERY}"`,
    `  ${hyp} status`,
    "",
    "Ctrl-C stops it.",
  ];
  const notes = warnings.map((warning) => `warning: ${warning}`);
  return `${[...notes, ...lines].join("\n")}\n`;
}

/** As a line for a POSIX shell. */
export function byHand(launch: ClientLaunch | undefined): string {
  if (launch === undefined) return "";
  const variables = Object.entries(launch.env).map(([name, value]) => `${name}=${quoted(value)}`);
  return [...variables, ...[launch.command, ...launch.args].map(quoted)].join(" ");
}

const quoted = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
