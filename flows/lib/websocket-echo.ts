import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** An upstream that takes every upgrade and sends each frame back unmasked, up to 64 KB; a close ends it. */
export interface WebSocketEcho {
  readonly url: string;
  readonly upgrades: readonly IncomingMessage[];
  close(): Promise<void>;
}

export async function startWebSocketEcho(): Promise<WebSocketEcho> {
  const upgrades: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.on("upgrade", (request, duplex) => {
    const socket = duplex as Socket;
    upgrades.push(request);
    sockets.add(socket);
    socket.on("error", () => {});
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    echoFrames(socket);
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

/** RFC 6455, section 5.2. */
function echoFrames(socket: Socket): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 6) {
      const isLong = (waiting[1]! & 0x7f) === 126;
      const headBytes = isLong ? 8 : 6;
      if (waiting.length < headBytes) return;
      const length = isLong ? waiting.readUInt16BE(2) : waiting[1]! & 0x7f;
      if (waiting.length < headBytes + length) return;
      const key = waiting.subarray(headBytes - 4, headBytes);
      const payload = waiting.subarray(headBytes, headBytes + length).map((byte, i) => byte ^ key[i & 3]!);
      const head = Buffer.from(waiting.subarray(0, headBytes - 4));
      head[1]! &= 0x7f;
      socket.write(Buffer.concat([head, payload]));
      if ((head[0]! & 0x0f) === 8) socket.end();
      waiting = waiting.subarray(headBytes + length);
    }
  });
}
