import { isIP } from "node:net";

/**
 * The bytes of a literal address, 4 or 16; undefined for a name. An IPv4 address mapped into IPv6 (`::ffff:127.0.0.1`) gives
 * its 4 bytes, so that equal peers are equal.
 */
export function ipBytes(text: string): Uint8Array | undefined {
  const address = text.split("%", 1)[0]!;
  const family = isIP(address);
  if (family === 4) return ipv4Bytes(address);
  if (family !== 6) return undefined;
  const bytes = ipv6Bytes(address);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

export function isLoopback(bytes: Uint8Array): boolean {
  if (bytes.length === 4) return bytes[0] === 127;
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** `0.0.0.0` or `::`: every interface when listened on, this machine when dialled. */
export function isUnspecified(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function ipv4Bytes(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

/** `address` is valid: `net.isIP` said so. */
function ipv6Bytes(address: string): Uint8Array {
  const dotted = /[^:]*\.[^:]*$/.exec(address)?.[0];
  const tail = dotted === undefined ? [] : [...ipv4Bytes(dotted)];
  const hex = dotted === undefined ? address : address.slice(0, -dotted.length).replace(/([^:]):$/, "$1");
  const [left = "", right] = hex.split("::");
  const groups = (part: string): number[] =>
    part
      .split(":")
      .filter((group) => group !== "")
      .flatMap((group) => {
        const value = Number.parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });
  const result = new Uint8Array(16);
  result.set(groups(left), 0);
  const end = [...groups(right ?? ""), ...tail];
  result.set(end, 16 - end.length);
  return result;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => index >= 12 || byte === (index >= 10 ? 0xff : 0));
}
