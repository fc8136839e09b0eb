import { networkInterfaces } from "node:os";
import { ipBytes, isLoopback, isUnspecified, sameBytes } from "./ip.ts";

/** What names our listener: for the guard (may this Host speak to us?) and against loops (would we dial ourselves?). */
export class OwnAddress {
  readonly host: string;
  readonly port: number;
  readonly #authorities: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;

  /** `allowedHosts`: further names, `name` (with our port) or `name:port`, for containers and reverse proxies. */
  constructor(host: string, port: number, allowedHosts: readonly string[] = []) {
    this.host = host;
    this.port = port;
    const literal = ipBytes(host);
    const own = ["127.0.0.1", "localhost", "[::1]"];
    if (!literal || !isUnspecified(literal)) own.push(bracketed(host.toLowerCase()));
    const extra = allowedHosts.map((entry) => entry.trim().toLowerCase()).filter((entry) => entry !== "");
    this.#authorities = new Set([...own, ...extra].map((entry) => withPort(entry, port)));
    this.#names = new Set([...own, ...extra.map((entry) => entry.replace(/:\d+$/, ""))]);
  }

  /** The value of a Host header, or an authority. Equality, no patterns: `127.0.0.1.evil.test` is another name. */
  accepts(authority: string): boolean {
    return this.#authorities.has(withPort(authority.toLowerCase(), 80));
  }

  authorities(): string[] {
    return [...this.#authorities];
  }

  /** Would a configured URL dial us? Wide on purpose: every spelling of this machine with our port. Hostname as in `URL`. */
  isSelf(hostname: string, port: number): boolean {
    if (port !== this.port) return false;
    const name = hostname.toLowerCase().replace(/\.$/, "");
    if (name === "localhost" || name.endsWith(".localhost") || this.#names.has(name)) return true;
    const bytes = ipBytes(name.replace(/^\[(.*)\]$/, "$1"));
    return bytes !== undefined && (isLoopback(bytes) || isUnspecified(bytes));
  }

  /** Is the far end of a socket that we opened our own listener? Exact: the kernel says whom we reached. */
  isReached(remoteAddress: string | undefined, remotePort: number | undefined): boolean {
    if (remotePort !== this.port || remoteAddress === undefined) return false;
    const remote = ipBytes(remoteAddress);
    if (!remote) return false;
    const listening = ipBytes(this.host);
    if (listening && !isUnspecified(listening)) return sameBytes(remote, listening);
    if (isLoopback(remote)) return true;
    if (!listening) return false;
    return Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .some(({ address }) => sameBytes(ipBytes(address) ?? new Uint8Array(), remote));
  }
}

/** `::1` → `[::1]`; names and IPv4 as they are. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function withPort(authority: string, port: number): string {
  return /:\d+$/.test(authority) ? authority : `${authority}:${port}`;
}
