import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { HomePaths } from "../contract/home.ts";
import type { UpstreamPreset } from "../contract/plugin.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import type { GatewayConfig } from "../gateway/config-defaults.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import type { ListenAddress } from "../gateway/listen.ts";
import { RouteKeys } from "../gateway/route-key.ts";
import { buildRoutes } from "../gateway/router.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import type { Logger } from "../kernel/log.ts";
import { serveLocal, socketPath } from "./local-socket.ts";
import { routeKeysOf } from "./route-secret.ts";

export interface GatewayServiceOptions {
  readonly paths: HomePaths;
  readonly listen: ListenAddress;
  readonly config: GatewayConfig;
  readonly presets: readonly UpstreamPreset[];
  readonly clientNames: readonly string[];
  readonly log: Logger;
}

/** A gateway with its own journal: what every process that carries traffic runs. */
export interface GatewayService {
  readonly runId: string;
  readonly gateway: Gateway;
  readonly journal: Journal;
  /** Lets running answers end for at most `drainMs`, then makes everything durable. */
  stop(drainMs: number): Promise<void>;
}

/** Sorts by time of start, also as text. */
function newRunId(): string {
  return `${Date.now().toString(36).padStart(9, "0")}-${randomBytes(3).toString("hex")}`;
}

/** Rejects with a HypError when the routes are wrong or the address is taken. */
export async function startGatewayService(options: GatewayServiceOptions): Promise<GatewayService> {
  const { paths, config, log } = options;
  const routes = buildRoutes({
    presets: options.presets,
    upstreams: config.upstreams,
    listen: options.listen,
  });
  const runId = newRunId();
  ensurePrivateFolder(paths.journal);
  ensurePrivateFolder(paths.run);
  const journal = await openJournal({
    dir: join(paths.journal, runId),
    runId,
    log,
    limits: { segmentBytes: config.journalSegmentBytes },
  });
  try {
    const gateway = await startGateway({
      listen: options.listen,
      routes,
      sink: journal,
      gatewayId: config.gatewayId,
      allowedHosts: config.allowedHosts,
      redactHeaders: new Set(config.redactHeaders),
      routeKeys: new RouteKeys(routeKeysOf(paths, options.clientNames)),
      requireKey: config.requireKey,
      durability: config.durability,
      log,
    });
    const barrier = await serveLocal(socketPath(paths.run, runId), async (request) => {
      if (request["op"] !== "flush") throw new Error(`unknown request: ${JSON.stringify(request["op"])}`);
      return { ...(await journal.flush()) };
    }).catch(async (error: unknown) => {
      await gateway.stop({ drainMs: 0 });
      throw error;
    });
    return {
      runId,
      gateway,
      journal,
      async stop(drainMs) {
        await gateway.stop({ drainMs });
        await journal.close();
        await barrier.close();
      },
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
}
