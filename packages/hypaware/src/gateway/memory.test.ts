import { fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { rawClient, rawServer, type RawServer } from "./fixtures/rig.ts";

const MB = 1024 * 1024;
const BODY_MB = 96;
let upstream: RawServer;
let stop: () => void;

afterEach(async () => {
  stop();
  await upstream.close();
});

/** A gateway in a process of its own, so that the test's own buffers are not counted. */
async function startProcess(url: string): Promise<{ port: number; peakRss(): Promise<number> }> {
  const child = fork(new URL("./fixtures/gateway-process.ts", import.meta.url), [url], { execArgv: [] });
  stop = () => child.disconnect();
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    port,
    async peakRss() {
      child.send("rss");
      const [{ rss }] = (await once(child, "message")) as [{ rss: number }];
      return rss;
    },
  };
}

async function pour(socket: Socket, megabytes: number): Promise<void> {
  const piece = Buffer.alloc(MB, "x");
  for (let i = 0; i < megabytes; i++) if (!socket.write(piece)) await once(socket, "drain");
}

/** Resolves when so many bytes came. */
async function count(socket: Socket, bytes: number): Promise<number> {
  socket.removeAllListeners("data");
  let received = 0;
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received >= bytes) resolve();
    });
  });
  return received;
}

test(`one line of ${BODY_MB} MB in either direction does not stay in memory`, async () => {
  upstream = await rawServer(async (wire, socket) => {
    const head = await wire.head();
    if (head?.startLine.startsWith("GET")) {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ncontent-length: ${BODY_MB * MB + 6}\r\n\r\ndata: `,
      );
      await pour(socket, BODY_MB);
    } else {
      await count(socket, (BODY_MB - 1) * MB);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
  });
  const gateway = await startProcess(upstream.url);
  const warm = await rawClient(gateway.port);
  warm.socket.write(`GET / HTTP/1.1\r\nhost: localhost:${gateway.port}\r\n\r\n`);
  await count(warm.socket, 8 * MB);
  warm.socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const idle = await gateway.peakRss();

  const down = await rawClient(gateway.port);
  down.socket.write(`GET / HTTP/1.1\r\nhost: localhost:${gateway.port}\r\n\r\n`);
  expect(await count(down.socket, BODY_MB * MB)).toBeGreaterThanOrEqual(BODY_MB * MB);
  const up = await rawClient(gateway.port);
  up.socket.write(
    `POST / HTTP/1.1\r\nhost: localhost:${gateway.port}\r\ncontent-length: ${BODY_MB * MB}\r\n\r\n`,
  );
  await pour(up.socket, BODY_MB);
  expect((await up.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect((await gateway.peakRss()) - idle).toBeLessThan(64 * MB);
});
