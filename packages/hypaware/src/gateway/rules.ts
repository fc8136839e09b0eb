import type { Durability } from "./config-defaults.ts";
import { Guard } from "./guard.ts";
import { OwnAddress } from "./own-address.ts";
import type { RouteKeys } from "./route-key.ts";
import type { RoutingTable } from "./router.ts";

/** What a gateway can change while it runs. */
export interface RuleSettings {
  readonly routes: RoutingTable;
  readonly gatewayId: string;
  /** Further values of Host, `name` or `name:port`. */
  readonly allowedHosts?: readonly string[];
  /** Names of headers to redact beside the built-in ones. */
  readonly redactHeaders?: ReadonlySet<string>;
  readonly routeKeys?: RouteKeys;
  /** Refuse every request without a route key. */
  readonly requireKey?: boolean;
  readonly durability?: Durability;
}

/** How a gateway at an address treats the exchanges that begin now. */
export class Rules {
  readonly routes: RoutingTable;
  readonly gatewayId: string;
  readonly redact: ReadonlySet<string>;
  readonly durability: Durability;
  readonly own: OwnAddress;
  readonly guard: Guard;

  /** Throws HypError `config_invalid` for a table that leads to us. */
  constructor(settings: RuleSettings, host: string, port: number) {
    this.own = new OwnAddress(host, port, settings.allowedHosts);
    settings.routes.refuseLoops(this.own);
    this.routes = settings.routes;
    this.gatewayId = settings.gatewayId;
    this.redact = new Set([...(settings.redactHeaders ?? [])].map((name) => name.toLowerCase()));
    this.durability = settings.durability ?? "normal";
    this.guard = new Guard(this.own, settings.routeKeys, settings.requireKey ?? false);
  }
}
