import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

// A server's side of RFC 6455 without extensions: enough for clients that send whole messages.

export const TEXT = 0x1;
export const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Takes the upgrade. `headers`: name, value by turns. */
export function acceptUpgrade(
  socket: Duplex,
  request: IncomingMessage,
  headers: readonly string[] = [],
): void {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  const all = ["upgrade", "websocket", "connection", "upgrade", "sec-websocket-accept", accept, ...headers];
  const lines = all.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}\r\n`] : []));
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
}

/** Section 5.2: whole frames, masked as a client's are. Pings are answered here. */
export function readFrames(socket: Duplex, take: (opcode: number, payload: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    for (;;) {
      const size = sizeOf(waiting);
      if (size === undefined || waiting.length < size.head + size.payload) return;
      const key = waiting.subarray(size.head - 4, size.head);
      const masked = waiting.subarray(size.head, size.head + size.payload);
      const payload = Buffer.from(masked.map((byte, i) => byte ^ key[i & 3]!));
      const opcode = waiting[0]! & 0x0f;
      waiting = waiting.subarray(size.head + size.payload);
      if (opcode === PING) socket.write(frame(PONG, payload));
      else take(opcode, payload);
    }
  });
}

/** `undefined`: the head is not whole yet. */
function sizeOf(bytes: Buffer): { readonly head: number; readonly payload: number } | undefined {
  const short = (bytes[1] ?? 0) & 0x7f;
  const head = short === 127 ? 14 : short === 126 ? 8 : 6;
  if (bytes.length < head) return undefined;
  const payload =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  return { head, payload };
}

/** A whole message of a server. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length > 0xffff ? 10 : length > 125 ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = length > 0xffff ? 127 : length > 125 ? 126 : length;
  if (length > 0xffff) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length > 125) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}
