import { HypError } from "../contract/errors.ts";
import type { AttachContext, JsonObject, SettingsWish } from "../contract/plugin.ts";
import { valueAt } from "./value-at.ts";

interface Found {
  readonly where: string;
  readonly value: string;
  readonly upstream: string;
  readonly suffix: string;
}

/**
 * A base URL that is there already holds a key for whoever is behind it. Unless the gateway sends on to that place, or the person says
 * so, requests with that key must not go another way. Throws HypError `foreign_address`.
 */
export function requireOwnAddresses(wish: SettingsWish, values: JsonObject, context: AttachContext): void {
  if (context.replace === true) return;
  const inFile = wish.changes.flatMap((change): Found[] => {
    if (change.kind !== "set" || change.address === undefined) return [];
    const value = valueAt(values, change.path);
    const { upstream, suffix = "" } = change.address;
    if (typeof value !== "string" || value === change.value) return [];
    return [{ where: change.path.join("."), value, upstream, suffix }];
  });
  const elsewhere = (wish.elsewhere ?? []).map(({ suffix = "", ...each }): Found => ({ suffix, ...each }));
  for (const found of [...inFile, ...elsewhere]) {
    if (sameUrl(found.value, context.endpoint + found.suffix)) continue;
    const upstream = context.upstreams?.[found.upstream];
    if (upstream !== undefined && sameUrl(found.value, upstream + found.suffix)) continue;
    throw foreign(found);
  }
}

function foreign({ where, value, upstream, suffix }: Found): HypError {
  const shown = forTerminal(value);
  const message = `${where} is ${shown}, and the gateway's upstream "${upstream}" is another. Its key is for nobody else`;
  const bare = shown.replace(/\/+$/, "");
  if (!bare.endsWith(suffix))
    return new HypError("foreign_address", message, {
      next: "Leave it, or replace it with --replace (hyp detach brings it back).",
    });
  const entry = JSON.stringify({ name: upstream, base_url: bare.slice(0, bare.length - suffix.length) });
  return new HypError("foreign_address", message, {
    next: `Put ${entry} into "upstreams" of @hypaware/ai-gateway in the config, restart it, and run this again; or replace it with --replace (hyp detach brings it back).`,
  });
}

function sameUrl(a: string, b: string): boolean {
  if (!URL.canParse(a) || !URL.canParse(b)) return a === b;
  return new URL(a).href.replace(/\/+$/, "") === new URL(b).href.replace(/\/+$/, "");
}

/**
 * A value out of somebody's settings, for the terminal: what a URL says before the `@` is a credential, and control characters could
 * drive the terminal, though they come from a project that was only cloned.
 */
export function forTerminal(value: string): string {
  const bare = value.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1");
  return bare.replaceAll(/\p{Cc}/gu, "\uFFFD");
}
