import { existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import { LIMITS } from "../../contract/limits.ts";
import { ipBytes } from "../../gateway/ip.ts";
import { MANIFEST_FILE, type Manifest } from "../../kernel/manifest.ts";
import type { ServiceSpec } from "../../service/service-spec.ts";

/** Beside what plugins name: certificates that a company's network needs. */
const OWN_VARIABLES = ["NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/** Beyond draining and the recorder's end. */
const STOP_SLACK_MS = 10_000;

/** The command line of this installation. */
export const OWN_BIN = fileURLToPath(new URL("../../../bin/hyp.js", import.meta.url));

/** What a service manager must know to run this home's daemon as this command would. */
export function serviceSpecOf(app: App, env: NodeJS.ProcessEnv, bin: string | undefined): ServiceSpec {
  const { listen, drainMs } = app.gatewayConfig;
  const holdable = listen.port !== 0 && ipBytes(listen.host) !== undefined;
  return {
    nodePath: lastingNode(env),
    binPath: binPathOf(bin),
    configPath: app.paths.config,
    logDir: app.paths.logs,
    environment: { HYP_HOME: app.paths.home, ...environmentOf(app, env) },
    socket: holdable ? listen : undefined,
    stopSeconds: Math.ceil((drainMs + LIMITS.recorderStopMs + STOP_SLACK_MS) / 1_000),
  };
}

function binPathOf(bin: string | undefined): string {
  const path = bin === undefined ? OWN_BIN : resolve(bin);
  if (!existsSync(path)) throw new HypError("usage", `There is no ${path}.`);
  if (/[\\/]_npx[\\/]/.test(path))
    throw new HypError("npx_install", `${path} is npm's temporary copy, which a service would soon miss.`);
  return path;
}

/**
 * The name by which the person starts this very Node, when there is one: package managers put each version into a folder of its own, which is
 * gone after the next upgrade.
 */
function lastingNode({ PATH = "" }: NodeJS.ProcessEnv): string {
  const own = realpathSync(process.execPath);
  const isOwn = (path: string): boolean => existsSync(path) && realpathSync(path) === own;
  const named = PATH.split(delimiter)
    .filter((folder) => folder.startsWith("/") && !folder.includes("node_modules"))
    .map((folder) => join(folder, "node"));
  return named.find(isOwn) ?? process.execPath;
}

/** Variables that decide where plugins look, as they are now: a service is started without them. */
function environmentOf({ kernel }: App, env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const named = kernel.plugins.flatMap(({ rootDir }) => {
    const { contributes } = JSON.parse(readFileSync(join(rootDir, MANIFEST_FILE), "utf8")) as Manifest;
    const names = contributes?.["environment"];
    return Array.isArray(names) ? names.filter((name): name is string => typeof name === "string") : [];
  });
  const set = [...new Set([...OWN_VARIABLES, ...named])].flatMap((name) => {
    const value = env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return Object.fromEntries(set);
}
