import { ipBytes, isLoopback } from "./ip.ts";

export interface ListenAddress {
  /** Without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** `host:port`, an IPv6 host in brackets; or what is wrong with it. */
export function parseListen(text: string): ListenAddress | { readonly problem: string } {
  const problem = (reason: string) => ({ problem: `ai-gateway: ${reason}: ${text}` });
  if (text === "") return problem("invalid listen address");
  const colon = text.lastIndexOf(":");
  if (colon === -1) return problem("invalid listen address (missing port)");
  const port = text.slice(colon + 1);
  if (!/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535)
    return problem("invalid port in listen address");
  const written = text.slice(0, colon);
  const host = /^\[([^[\]]*)\]$/.exec(written)?.[1] ?? written;
  if (host === "") return problem("invalid listen address (missing host)");
  // An IPv6 host needs its brackets, and nothing else may have them.
  if (host.includes(":") === (host === written) || /[\s/@[\]]/.test(host))
    return problem("invalid listen address");
  return { host, port: Number(port) };
}

/** Only this machine can connect to it. */
export function isLoopbackHost(host: string): boolean {
  const bytes = ipBytes(host);
  return bytes === undefined ? host === "localhost" : isLoopback(bytes);
}
