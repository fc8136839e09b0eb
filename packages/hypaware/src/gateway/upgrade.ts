import type { RawHeaders } from "../contract/frame.ts";
import { connectionTokens, headerValue, headerValues } from "../wire/headers.ts";
import { type OwnAnswer, ownAnswer } from "./answer.ts";
import type { ClientRequest } from "./client-side.ts";

/**
 * A WebSocket cannot go on without its upgrade. HTTP/2 in clear text (h2c) can: whoever offers it also speaks HTTP/1.1, and the
 * offer may be ignored (RFC 9110, section 7.8).
 */
export function asksForUpgrade(headers: RawHeaders): boolean {
  if (!connectionTokens(headers).includes("upgrade")) return false;
  return headerValues(headers, "upgrade")
    .flatMap((value) => value.toLowerCase().split(","))
    .some((protocol) => protocol.trim() !== "h2c");
}

/** An opening handshake (RFC 6455, section 4.1), as far as it takes to carry one. */
export function isWebSocketHandshake({
  method,
  headers: raw,
  isHttp10,
}: Pick<ClientRequest, "method" | "headers" | "isHttp10">): boolean {
  return (
    method === "GET" &&
    !isHttp10 &&
    connectionTokens(raw).includes("upgrade") &&
    headerValues(raw, "upgrade").join().trim().toLowerCase() === "websocket" &&
    !hasBody(raw)
  );
}

/** RFC 9112, section 6.3: a request has a body when it says so. */
export function hasBody(raw: RawHeaders): boolean {
  if (headerValue(raw, "transfer-encoding") !== undefined) return true;
  const length = headerValue(raw, "content-length");
  return length !== undefined && Number(length) !== 0;
}

/**
 * What an upstream may answer to an upgrade and be heard: it refuses the caller, not the protocol. A client renews a token on 401 and
 * waits on 429; hidden behind a 426 it would only ask once more, by POST, to hear the same. All else, also 5xx, means that
 * there is no WebSocket here, and clients try that again for seconds unless they are told 426.
 */
const HEARD: ReadonlySet<number> = new Set([401, 402, 403, 407, 426, 429]);

export function isHeardRefusal(status: number): boolean {
  return HEARD.has(status);
}

/** After 426 clients go on without the upgrade at once; after 404 they try again for seconds. */
export function upgradeRefusal(detail: string): OwnAnswer {
  // RFC 9110, section 15.5.22: the answer names a protocol that will do.
  return ownAnswer(426, { error: "upgrade not supported", detail }, [
    "upgrade",
    "HTTP/1.1",
    "connection",
    "upgrade, close",
  ]);
}
