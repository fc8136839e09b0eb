import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** An upstream that takes every upgrade and answers texts with texts; a close ends it. */
export interface WebSocketUpstream {
  readonly url: string;
  readonly upgrades: readonly IncomingMessage[];
  close(): Promise<void>;
}

const TEXT = 0x1;
const CLOSE = 0x8;

export async function startWebSocketUpstream(
  answer: (text: string) => readonly string[],
): Promise<WebSocketUpstream> {
  const upgrades: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on("upgrade", (request, duplex) => {
    const socket = duplex as Socket;
    upgrades.push(request);
    sockets.add(socket);
    acceptWebSocket(request, socket, answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upgrades,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes one upgrade. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  answer: (text: string) => readonly string[],
): void {
  socket.on("error", () => {});
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  readFrames(socket, (opcode, payload) => {
    if (opcode === CLOSE) socket.end(frame(CLOSE, payload));
    if (opcode !== TEXT) return;
    for (const text of answer(payload.toString())) socket.write(frame(TEXT, Buffer.from(text)));
  });
}

/** RFC 6455, section 5.2: whole frames, masked as a client's are. */
function readFrames(socket: Duplex, take: (opcode: number, payload: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 6) {
      const form = waiting[1]! & 0x7f;
      const headBytes = form === 127 ? 14 : form === 126 ? 8 : 6;
      if (waiting.length < headBytes) return;
      const length =
        form === 127 ? Number(waiting.readBigUInt64BE(2)) : form === 126 ? waiting.readUInt16BE(2) : form;
      if (waiting.length < headBytes + length) return;
      const key = waiting.subarray(headBytes - 4, headBytes);
      const masked = waiting.subarray(headBytes, headBytes + length);
      take(waiting[0]! & 0x0f, Buffer.from(masked.map((byte, i) => byte ^ key[i & 3]!)));
      waiting = waiting.subarray(headBytes + length);
    }
  });
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const form = length > 0xffff ? 127 : length > 125 ? 126 : length;
  const head = Buffer.alloc(form === 127 ? 10 : form === 126 ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = form;
  if (form === 127) head.writeBigUInt64BE(BigInt(length), 2);
  if (form === 126) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}
