import type { RawHeaders } from "../contract/frame.ts";
import { headerValues } from "../wire/headers.ts";
import { parseTarget } from "../wire/target.ts";
import type { OwnAddress } from "./own-address.ts";
import { type RouteKeys, splitRouteKey } from "./route-key.ts";

// Decides, before routing and for every path, whether a request may speak to us at all. Whatever a web page can make a browser
// send is refused: a name that an attacker's DNS points at loopback (Host), a page of another origin (Origin, Sec-Fetch-Site).
// A refused request leaves nothing behind: no dial, no frame.

export interface Refusal {
  readonly status: 400 | 403;
  readonly reason: "host" | "origin" | "target" | "route_key";
  /** For the body, in words. */
  readonly error: string;
  readonly detail: string;
}

export interface Admission {
  /** Origin form, without a route key. */
  readonly target: string;
  /** The key as it was sent; a secret of this exchange. */
  readonly routeKey: string | undefined;
  readonly clientName: string | null;
}

export class Guard {
  readonly #own: OwnAddress;
  readonly #keys: RouteKeys | undefined;
  readonly #requireKey: boolean;

  constructor(own: OwnAddress, keys: RouteKeys | undefined, requireKey: boolean) {
    this.#own = own;
    this.#keys = keys;
    this.#requireKey = requireKey;
  }

  admit(requestTarget: string, headers: RawHeaders): Admission | Refusal {
    return this.#refuseHost(headers) ?? this.#refuseOrigin(headers) ?? this.#admitTarget(requestTarget);
  }

  #refuseHost(headers: RawHeaders): Refusal | undefined {
    const hosts = headerValues(headers, "host");
    if (hosts.length !== 1) {
      return refusal(400, "host", "bad request", "a request needs exactly one Host header");
    }
    return this.#own.accepts(hosts[0]!) ? undefined : this.#foreign("the Host header");
  }

  #foreign(what: string): Refusal {
    const names = this.#own.authorities().join(", ");
    return refusal(
      403,
      "host",
      "host not allowed",
      `${what} must name this gateway (${names}); add other names to allowed_hosts in its config`,
    );
  }

  #refuseOrigin(headers: RawHeaders): Refusal | undefined {
    for (const origin of headerValues(headers, "origin")) {
      const authority = /^http:\/\/(.+)$/i.exec(origin)?.[1];
      if (authority === undefined || !this.#own.accepts(authority)) {
        return refusal(403, "origin", "origin not allowed", "web pages may not use this gateway");
      }
    }
    for (const site of headerValues(headers, "sec-fetch-site")) {
      if (site !== "none" && site !== "same-origin") {
        return refusal(403, "origin", "origin not allowed", "web pages may not use this gateway");
      }
    }
    return undefined;
  }

  #admitTarget(requestTarget: string): Admission | Refusal {
    const parsed = parseTarget(requestTarget);
    if (parsed.form === "asterisk" || parsed.form === "invalid") {
      return refusal(400, "target", "bad request", "the request target must be a path");
    }
    if (parsed.form === "absolute" && !this.#own.accepts(parsed.authority)) {
      return this.#foreign("a request target with a host");
    }
    const keyed = splitRouteKey(parsed.target);
    if (!keyed) {
      return this.#requireKey
        ? refusal(
            403,
            "route_key",
            "route key required",
            "attach the client again with a key: hyp attach --key",
          )
        : { target: parsed.target, routeKey: undefined, clientName: null };
    }
    const clientName = this.#keys?.clientOf(keyed.key);
    return clientName === undefined
      ? refusal(403, "route_key", "unknown route key", "attach the client again, or start it with hyp run")
      : { target: keyed.target, routeKey: keyed.key, clientName };
  }
}

function refusal(status: 400 | 403, reason: Refusal["reason"], error: string, detail: string): Refusal {
  return { status, reason, error, detail };
}
