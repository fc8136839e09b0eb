import { isAscii } from "node:buffer";

/** Without a byte order mark; what is no UTF-8 becomes U+FFFD. */
export function utf8Text(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString("latin1") : new TextDecoder().decode(bytes);
}
