import type { RawHeaders } from "../contract/frame.ts";
import { connectionTokens, headerValues } from "../wire/headers.ts";
import { type OwnAnswer, ownAnswer } from "./answer.ts";

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

/** After 426 clients go on without the upgrade at once; after 404 they try again for seconds. */
export function upgradeRefusal(): OwnAnswer {
  const detail = "this gateway carries plain HTTP/1.1 requests";
  // RFC 9110, section 15.5.22: the answer names a protocol that will do.
  return ownAnswer(426, { error: "upgrade not supported", detail }, [
    "upgrade",
    "HTTP/1.1",
    "connection",
    "upgrade",
  ]);
}
