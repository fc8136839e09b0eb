import type { RawHeaders } from "../contract/frame.ts";

/** Fields of one connection, not of the message (RFC 9110, section 7.6.1): never passed on. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
]);

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * What may go to the next hop, in order, spelling and number: everything but hop-by-hop, what `Connection` names, and `dropped`; `kept` in
 * any case. Names in lower case.
 */
export function forwardable(
  raw: RawHeaders,
  dropped: ReadonlySet<string> = NO_NAMES,
  kept: ReadonlySet<string> = NO_NAMES,
): string[] {
  const named = connectionFields(raw);
  const result: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const lower = name.toLowerCase();
    const isOurs = HOP_BY_HOP.has(lower) || dropped.has(lower) || named.includes(lower);
    if (!isOurs || kept.has(lower)) result.push(name, raw[i + 1]!);
  }
  return result;
}

/** Lower-case name → values in wire order. No prototype, so that a header may be called `__proto__`. */
export function headerArrays(raw: RawHeaders): Record<string, string[]> {
  const result = Object.create(null) as Record<string, string[]>;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const values = result[name];
    if (values) values.push(raw[i + 1]!);
    else result[name] = [raw[i + 1]!];
  }
  return result;
}

/** All values of one header in wire order. `name` in lower case. */
export function headerValues(raw: RawHeaders, name: string): string[] {
  const result: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (isNamed(raw[i]!, name)) result.push(raw[i + 1]!);
  }
  return result;
}

/** The first value of a header. `name` in any case. */
export function headerValue(raw: RawHeaders, name: string): string | undefined {
  const lower = name.toLowerCase();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (isNamed(raw[i]!, lower)) return raw[i + 1];
  }
  return undefined;
}

function isNamed(candidate: string, lower: string): boolean {
  return candidate.length === lower.length && candidate.toLowerCase() === lower;
}

/** The fields that `Connection` names, in lower case. Never the length: without it a body would be taken for further messages. */
export function connectionFields(raw: RawHeaders): string[] {
  return connectionTokens(raw).filter((token) => token !== "content-length");
}

/** The options of all `Connection` headers, in lower case. */
export function connectionTokens(raw: RawHeaders): string[] {
  return headerValues(raw, "connection").flatMap((value) =>
    value
      .split(",")
      .map((token) => token.trim().toLowerCase())
      .filter((token) => token !== ""),
  );
}
