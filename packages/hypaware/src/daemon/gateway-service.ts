import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import type { HomePaths } from "../contract/home.ts";
import { LIMITS } from "../contract/limits.ts";
import type { UpstreamPreset } from "../contract/plugin.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";
import type { GatewayConfig } from "../gateway/config-defaults.ts";
import { type Gateway, startGateway } from "../gateway/gateway.ts";
import type { ListenAddress } from "../gateway/listen.ts";
import { bracketed } from "../gateway/own-address.ts";
import { RouteKeys } from "../gateway/route-key.ts";
import { buildRoutes } from "../gateway/router.ts";
import type { RuleSettings } from "../gateway/rules.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import type { Logger } from "../kernel/log.ts";
import { serveLocal, socketPath } from "./local-socket.ts";
import { routeKeysOf } from "./route-secret.ts";

/** What a running service can change. */
export interface GatewaySetup {
  readonly listen: ListenAddress;
  readonly config: GatewayConfig;
  readonly presets: readonly UpstreamPreset[];
  readonly clientNames: readonly string[];
}

export interface GatewayServiceOptions extends GatewaySetup {
  readonly paths: HomePaths;
  readonly log: Logger;
  /** A listening socket that a service manager passed to this process. */
  readonly passedSocket?: number | undefined;
}

/** A gateway with its own journal: what every process that carries traffic runs. */
export interface GatewayService {
  readonly runId: string;
  /** Another one after `adopt` with another address. */
  readonly gateway: Gateway;
  readonly journal: Journal;
  /**
   * For exchanges that begin from now on; those that run are not touched. With another address a new listener opens first, then the old one
   * takes no more. Rejects as `startGatewayService` does, and then everything is as it was.
   */
  adopt(setup: GatewaySetup): Promise<void>;
  /** Lets running answers end for at most `drainMs`, then makes everything durable. */
  stop(drainMs: number): Promise<void>;
}

/** Sorts by time of start, also as text. */
function newRunId(): string {
  return `${Date.now().toString(36).padStart(9, "0")}-${randomBytes(3).toString("hex")}`;
}

function rulesOf(paths: HomePaths, { config, ...setup }: GatewaySetup): RuleSettings {
  return {
    routes: buildRoutes({ presets: setup.presets, upstreams: config.upstreams, listen: setup.listen }),
    gatewayId: config.gatewayId,
    allowedHosts: config.allowedHosts,
    redactHeaders: new Set(config.redactHeaders),
    routeKeys: new RouteKeys(routeKeysOf(paths, setup.clientNames)),
    requireKey: config.requireKey,
    durability: config.durability,
  };
}

/** Rejects with a HypError when the routes are wrong or the address is taken. */
export async function startGatewayService(options: GatewayServiceOptions): Promise<GatewayService> {
  const { paths, config, log } = options;
  const rules = rulesOf(paths, options);
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
    const { passedSocket } = options;
    let { listen } = options;
    let gateway = await startGateway({ ...rules, listen, passedSocket, sink: journal, log });
    const left: Promise<unknown>[] = [];
    const barrier = await serveLocal(socketPath(paths.run, runId), async (request) => {
      if (request["op"] !== "flush") throw new Error(`unknown request: ${JSON.stringify(request["op"])}`);
      return { ...(await journal.flush()) };
    }).catch(async (error: unknown) => {
      await gateway.stop({ drainMs: 0 });
      throw error;
    });
    return {
      runId,
      journal,
      get gateway() {
        return gateway;
      },
      async adopt(setup) {
        const next = rulesOf(paths, setup);
        if (setup.listen.host === listen.host && setup.listen.port === listen.port) gateway.adopt(next);
        else if (passedSocket !== undefined)
          throw new HypError(
            "config_invalid",
            `The service manager holds ${bracketed(listen.host)}:${listen.port} for us. Another address needs: hyp daemon install`,
          );
        else {
          const successor = await startGateway({ ...next, listen: setup.listen, sink: journal, log });
          left.push(gateway.stop({ drainMs: LIMITS.drainMaxMs }));
          gateway = successor;
          listen = setup.listen;
        }
      },
      async stop(drainMs) {
        await Promise.all([gateway.stop({ drainMs }), ...left]);
        await journal.close();
        await barrier.close();
      },
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
}
