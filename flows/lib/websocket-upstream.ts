import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { acceptUpgrade, CLOSE, frame, readFrames, TEXT } from "@hypaware/testkit";

/** An upstream that takes every upgrade and answers texts with texts; a close ends it. */
export interface WebSocketUpstream {
  readonly url: string;
  readonly upgrades: readonly IncomingMessage[];
  close(): Promise<void>;
}

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
  acceptUpgrade(socket, request);
  readFrames(socket, (opcode, payload) => {
    if (opcode === CLOSE) socket.end(frame(CLOSE, payload));
    if (opcode !== TEXT) return;
    for (const text of answer(payload.toString())) socket.write(frame(TEXT, Buffer.from(text)));
  });
}
