import { createHash, timingSafeEqual } from "node:crypto";

// A route key is the first part of a base URL, `http://127.0.0.1:18521/k/<client>-<32 hex>/…`: it names the client, a web page
// cannot guess it and another account cannot read it. It is a credential: stripped before forwarding, never recorded.

const KEYED = /^\/k\/([a-z0-9][a-z0-9._-]*-[0-9a-f]{32})(?=[/?#]|$)/i;

/** `{key, target}` when the target begins with a key, known or not. */
export function splitRouteKey(target: string): { readonly key: string; readonly target: string } | undefined {
  const [segment, key] = KEYED.exec(target) ?? [];
  if (segment === undefined || key === undefined) return undefined;
  const rest = target.slice(segment.length);
  return { key, target: rest.startsWith("/") ? rest : `/${rest}` };
}

/** The keys that are valid now. */
export class RouteKeys {
  #digests: readonly { readonly digest: Buffer; readonly clientName: string }[] = [];

  constructor(keys: readonly string[] = []) {
    this.replace(keys);
  }

  replace(keys: readonly string[]): void {
    this.#digests = keys.map((key) => ({ digest: digestOf(key), clientName: key.slice(0, -33) }));
  }

  /** Whose key this is; undefined for an unknown one. Takes the same time for each key of equal length. */
  clientOf(key: string): string | undefined {
    const digest = digestOf(key);
    let found: string | undefined;
    for (const known of this.#digests) {
      if (timingSafeEqual(known.digest, digest)) found = known.clientName;
    }
    return found;
  }
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
