import type { ListenAddress } from "./listen.ts";

/** An upstream of the config. One with a preset's name overrides that preset field by field. */
export interface ConfiguredUpstream {
  readonly name: string;
  readonly base_url: string;
  readonly path_prefix?: string;
  readonly provider?: string;
  readonly priority?: number;
}

/** Config of `@hypaware/ai-gateway`, defaults filled in. */
export interface GatewayConfig {
  readonly listen: ListenAddress;
  readonly gatewayId: string;
  readonly upstreams: readonly ConfiguredUpstream[];
  /** Header names, lower-case, redacted beside the built-in ones. */
  readonly redactHeaders: readonly string[];
  /** `Host` values accepted beside our own, lower-case. */
  readonly allowedHosts: readonly string[];
  /** Refuses requests without a route key. */
  readonly requireKey: boolean;
}

/** What holds without a config file. Apart from the parser, so that a start without one loads no schema library. */
export const DEFAULT_GATEWAY_CONFIG: GatewayConfig = {
  // Fixed, so that attached clients survive a restart.
  listen: { host: "127.0.0.1", port: 18_521 },
  gatewayId: "hypaware-local",
  upstreams: [],
  redactHeaders: [],
  allowedHosts: [],
  requireKey: false,
};
