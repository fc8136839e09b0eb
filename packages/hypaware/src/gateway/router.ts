import { HypError } from "../contract/errors.ts";
import type { RouteInput, UpstreamPreset } from "../contract/plugin.ts";
import { OwnAddress } from "./own-address.ts";

/** An upstream of the configuration. One with a preset's name overrides that preset field by field. */
export interface UpstreamConfig {
  readonly name: string;
  readonly base_url?: string | undefined;
  readonly provider?: string | undefined;
  readonly path_prefix?: string | undefined;
  /** Missing counts as 0 and stays missing. */
  readonly priority?: number | undefined;
}

/** One entry of the table, ready to dial. */
export interface Route {
  readonly name: string;
  readonly base_url: string;
  readonly provider?: string;
  readonly path_prefix?: string;
  readonly priority?: number;
  match?(input: RouteInput): boolean;
  /** `scheme://host[:port]` */
  readonly origin: string;
  /** `host[:port]`, what Host says. */
  readonly host: string;
  /** Path of `base_url` without a slash at its end; put in front of the request target. */
  readonly basePath: string;
}

export interface RouteDecision {
  readonly route: Route | undefined;
  /** `match`, `prefix:/v1`, `none` */
  readonly reason: string;
}

export interface RoutingTable {
  /** In the order in which they are asked. */
  readonly routes: readonly Route[];
  /** The first match wins; the others are not asked. `onMatchError`: a `match` threw, which counts as "no". */
  route(input: RouteInput, onMatchError?: (route: Route, error: unknown) => void): RouteDecision;
  /** Throws `config_invalid` when an entry points at the given listener. */
  refuseLoops(own: OwnAddress): void;
}

/**
 * Merges configured upstreams over presets, validates, sorts. `listen`: our own listener, when it is known already.
 * Throws HypError `config_invalid` with the place in words.
 */
export function buildRoutes(options: {
  readonly presets: readonly UpstreamPreset[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly listen?: { readonly host: string; readonly port: number };
}): RoutingTable {
  const entries = mergeByName(options.presets, options.upstreams).map(resolve);
  if (entries.length === 0) {
    throw new HypError("config_invalid", "ai-gateway: at least one upstream must be configured before start");
  }
  // Array.sort is stable: what was registered first stays first.
  entries.sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0) || prefixRank(b) - prefixRank(a));
  const table: RoutingTable = {
    routes: entries,
    route: (input, onMatchError) => decide(entries, input, onMatchError),
    refuseLoops: (own) => refuseLoops(entries, own),
  };
  if (options.listen) table.refuseLoops(new OwnAddress(options.listen.host, options.listen.port));
  return table;
}

type Entry = Partial<UpstreamPreset> & { readonly name: string };

/** Configuration first, in its order, then the presets that it does not name. */
function mergeByName(presets: readonly UpstreamPreset[], upstreams: readonly UpstreamConfig[]): Entry[] {
  const configured = upstreams.flatMap((upstream): Entry[] => {
    const own = definedFields(upstream);
    const same = presets.filter((preset) => preset.name === upstream.name);
    // Without the preset's `match` its provider's credentials would fall through to another upstream.
    return same.length === 0 ? [own] : same.map((preset) => ({ ...fieldsOf(preset), ...own }));
  });
  const names = new Set(upstreams.map((upstream) => upstream.name));
  return [...configured, ...presets.filter((preset) => !names.has(preset.name)).map(fieldsOf)];
}

function definedFields(upstream: UpstreamConfig): Entry {
  const { name, base_url, provider, path_prefix, priority } = upstream;
  return {
    name,
    ...(base_url === undefined ? {} : { base_url }),
    ...(provider === undefined ? {} : { provider }),
    ...(path_prefix === undefined ? {} : { path_prefix }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** A preset may be an instance of a class: its `match` needs its `this`. */
function fieldsOf(preset: UpstreamPreset): Entry {
  return {
    ...definedFields(preset),
    ...(preset.match ? { match: (input: RouteInput) => preset.match!(input) } : {}),
  };
}

function resolve(entry: Entry): Route {
  const { origin, host, basePath } = parseBaseUrl(entry.name, entry.base_url);
  const reachable =
    entry.match !== undefined || (entry.path_prefix !== undefined && entry.path_prefix !== "");
  return {
    ...entry,
    ...(reachable ? {} : { path_prefix: "/" }),
    base_url: entry.base_url!,
    origin,
    host,
    basePath,
  };
}

function parseBaseUrl(
  name: string,
  baseUrl: string | undefined,
): Pick<Route, "origin" | "host" | "basePath"> {
  const invalid = (reason: string): HypError =>
    new HypError("config_invalid", `ai-gateway: invalid base_url for upstream "${name}": ${reason}`);
  if (baseUrl === undefined || baseUrl === "") throw invalid("it is missing");
  let url: URL;
  try {
    url = new URL(baseUrl);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new HypError(
      "config_invalid",
      `ai-gateway: upstream "${name}" must use http:// or https://, got: ${url.protocol}`,
    );
  }
  if (url.username !== "" || url.password !== "")
    throw invalid("it must not contain a user name or password");
  if (url.search !== "" || url.hash !== "") throw invalid("it must not contain a query or a fragment");
  return { origin: url.origin, host: url.host, basePath: url.pathname.replace(/\/+$/, "") };
}

/** No prefix −1, `/` 0, otherwise its length. */
function prefixRank(route: Route): number {
  if (route.path_prefix === undefined || route.path_prefix === "") return -1;
  return route.path_prefix === "/" ? 0 : route.path_prefix.length;
}

function decide(
  routes: readonly Route[],
  input: RouteInput,
  onMatchError?: (route: Route, error: unknown) => void,
): RouteDecision {
  for (const route of routes) {
    if (route.match) {
      try {
        // Strict: a plugin's `match` that returns a promise or a truthy string has not said yes.
        if ((route.match(input) as unknown) === true) return { route, reason: "match" };
      } catch (error) {
        onMatchError?.(route, error);
      }
    } else if (isBelow(input.path, route.path_prefix ?? "/")) {
      return { route, reason: `prefix:${route.path_prefix ?? "/"}` };
    }
  }
  return { route: undefined, reason: "none" };
}

/** Routes of equal rank that want the same requests, in pairs: which of them gets those, only the order of registration says. */
export function overlappingRoutes(routes: readonly Route[]): readonly (readonly [Route, Route])[] {
  const probes = routes.flatMap(({ path_prefix: prefix = "/" }) => [
    prefix,
    `${prefix.replace(/\/$/, "")}/x`,
  ]);
  const wants = (route: Route, path: string): boolean =>
    decide([route], { method: "POST", path, headers: {} }).route === route;
  return routes.flatMap((first, index) =>
    routes
      .slice(index + 1)
      .filter(
        (second) =>
          (first.priority ?? 0) === (second.priority ?? 0) &&
          prefixRank(first) === prefixRank(second) &&
          probes.some((path) => wants(first, path) && wants(second, path)),
      )
      .map((second) => [first, second] as const),
  );
}

/** `/p` covers `/p` and `/p/x`, not `/pq`. */
function isBelow(path: string, prefix: string): boolean {
  const stem = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  return path.startsWith(stem) && (path.length === stem.length || path[stem.length] === "/");
}

function refuseLoops(routes: readonly Route[], own: OwnAddress): void {
  for (const route of routes) {
    const url = new URL(route.origin);
    if (own.isSelf(url.hostname, Number(url.port || (url.protocol === "https:" ? 443 : 80)))) {
      throw new HypError(
        "config_invalid",
        `ai-gateway: upstream "${route.name}" points at this gateway's own address: ${route.base_url}`,
      );
    }
  }
}
