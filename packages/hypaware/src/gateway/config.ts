import { z } from "zod";
import type { SectionFinding } from "../contract/plugin.ts";
import { LIMITS } from "../contract/limits.ts";
import type { JsonObject } from "../contract/projection.ts";
import { closed, problems } from "../kernel/schema.ts";
import {
  type ConfiguredUpstream,
  DEFAULT_GATEWAY_CONFIG,
  DURABILITIES,
  type Durability,
  type GatewayConfig,
} from "./config-defaults.ts";
import { isLoopbackHost, parseListen } from "./listen.ts";

export type { GatewayConfig };

/** Smaller ones would be mostly the first frames of chains of differences. */
const SMALLEST_SEGMENT = 64 * 1024;

const text = z.string().min(1, "must not be empty");

const SECTION = closed({
  listen: z.string().optional(),
  gateway_id: text.optional(),
  upstreams: z
    .array(
      closed({
        name: text,
        base_url: text,
        path_prefix: z.string().startsWith("/", 'must begin with "/"').optional(),
        provider: text.optional(),
        priority: z.number().optional(),
      }),
    )
    .optional(),
  redact_headers: z.array(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "expected a header name")).optional(),
  allowed_hosts: z.array(text).optional(),
  require_key: z.boolean().optional(),
  durability: z.enum(DURABILITIES).optional(),
  journal_segment_bytes: z.number().int().min(SMALLEST_SEGMENT).max(LIMITS.segmentBytes).optional(),
  drain_ms: z.number().int().min(0).max(LIMITS.drainMaxMs).optional(),
});

interface Section {
  readonly listen?: string;
  readonly gateway_id?: string;
  readonly upstreams?: readonly ConfiguredUpstream[];
  readonly redact_headers?: readonly string[];
  readonly allowed_hosts?: readonly string[];
  readonly require_key?: boolean;
  readonly durability?: Durability;
  readonly journal_segment_bytes?: number;
  readonly drain_ms?: number;
}

/** What makes a base URL unusable; undefined when it is usable. */
export function baseUrlProblem({
  name,
  base_url,
}: Pick<ConfiguredUpstream, "name" | "base_url">): string | undefined {
  const problem = (reason: string): string =>
    `ai-gateway: invalid base_url for upstream "${name}": ${reason}`;
  if (!URL.canParse(base_url)) return problem("Invalid URL");
  const url = new URL(base_url);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `ai-gateway: upstream "${name}" must use http:// or https://, got: ${url.protocol}`;
  if (url.username !== "" || url.password !== "") return problem("it must not carry a user or password");
  if (url.search !== "" || url.hash !== "") return problem("it must not have a query or fragment");
  return undefined;
}

/** Never throws. With an error among the findings `config` is the default, and must not be used to listen. */
export function parseGatewayConfig(section: JsonObject): {
  readonly config: GatewayConfig;
  readonly findings: readonly SectionFinding[];
} {
  const shape = problems(SECTION, section);
  if (shape.length > 0) return { config: DEFAULT_GATEWAY_CONFIG, findings: shape };
  const given = section as Section;
  const findings: SectionFinding[] = [];
  const wrong = (pointer: string, message: string): void =>
    void findings.push({ severity: "error", pointer, message });

  const listen = given.listen === undefined ? DEFAULT_GATEWAY_CONFIG.listen : parseListen(given.listen);
  if ("problem" in listen) wrong("/listen", listen.problem);
  else if (!isLoopbackHost(listen.host) && given.require_key !== true)
    wrong(
      "/listen",
      `ai-gateway: ${given.listen} can be reached from other machines: set "require_key": true, or listen on 127.0.0.1`,
    );
  const names = new Set<string>();
  for (const [index, upstream] of (given.upstreams ?? []).entries()) {
    const problem = baseUrlProblem(upstream);
    if (problem !== undefined) wrong(`/upstreams/${index}/base_url`, problem);
    if (names.has(upstream.name))
      wrong(`/upstreams/${index}/name`, `upstream "${upstream.name}" is listed twice`);
    names.add(upstream.name);
  }
  if ("problem" in listen || findings.length > 0) return { config: DEFAULT_GATEWAY_CONFIG, findings };
  return {
    config: {
      listen,
      gatewayId: given.gateway_id ?? DEFAULT_GATEWAY_CONFIG.gatewayId,
      upstreams: given.upstreams ?? [],
      redactHeaders: (given.redact_headers ?? []).map((name) => name.toLowerCase()),
      allowedHosts: (given.allowed_hosts ?? []).map((host) => host.toLowerCase()),
      requireKey: given.require_key ?? false,
      durability: given.durability ?? DEFAULT_GATEWAY_CONFIG.durability,
      journalSegmentBytes: given.journal_segment_bytes ?? DEFAULT_GATEWAY_CONFIG.journalSegmentBytes,
      drainMs: given.drain_ms ?? DEFAULT_GATEWAY_CONFIG.drainMs,
    },
    findings,
  };
}
