import { LIMITS } from "../contract/limits.ts";
import type { ListenAddress } from "./listen.ts";

/** An upstream of the config. One with a preset's name overrides that preset field by field. */
export interface ConfiguredUpstream {
  readonly name: string;
  readonly base_url: string;
  readonly path_prefix?: string;
  readonly provider?: string;
  readonly priority?: number;
}

/**
 * `normal`: nothing on the byte path waits for the disk. `strict`: an answer ends only when its exchange is durable, so that
 * whatever a client got to its end is in the history, whatever happens next. Bytes before the end are never held.
 */
export const DURABILITIES = ["normal", "strict"] as const;
export type Durability = (typeof DURABILITIES)[number];

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
  readonly durability: Durability;
  /** A file of the journal is closed at this size and the next one begun. */
  readonly journalSegmentBytes: number;
  /** How long a stop lets running answers go on. */
  readonly drainMs: number;
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
  durability: "normal",
  journalSegmentBytes: LIMITS.segmentBytes,
  drainMs: LIMITS.drainMs,
};
