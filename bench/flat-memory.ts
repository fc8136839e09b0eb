// How much memory a gateway with its journal takes for one line of 200 MB, down and up, and for 50 uploads of 20 MB at once to
// an upstream that reads slowly. Prints JSON; exits 1 above 64 MB over idle.
//
// Loopback is faster than a disk: what the journal cannot take in time is dropped and counted, as `dropped_mb`. Flags of node
// are passed on to the gateway.
//
//   node [--max-semi-space-size=1] bench/flat-memory.ts [megabytes]

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startGateway } from "../packages/hypaware/src/gateway/gateway.ts";
import { buildRoutes } from "../packages/hypaware/src/gateway/router.ts";
import { openJournal } from "../packages/hypaware/src/journal/journal.ts";

const MB = 1024 * 1024;
const BOUND_MB = 64;

if (process.argv[2] === "gateway") await serve(process.argv[3]!, process.argv[4]!);
else await measure(Number(process.argv[2] ?? 200));

async function serve(upstreamUrl: string, folder: string): Promise<void> {
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const sink = await openJournal({ dir: join(folder, "run"), runId: "run", log });
  const gateway = await startGateway({
    listen: { host: "127.0.0.1", port: 0 },
    routes: buildRoutes({ presets: [], upstreams: [{ name: "up", base_url: upstreamUrl }] }),
    sink,
    gatewayId: "bench",
    log,
  });
  let peak = 0;
  setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 2);
  process.on("message", () => {
    process.send?.({ rss: peak, dropped: gateway.stats().droppedBytes });
    peak = 0;
  });
  process.on("disconnect", () => process.exit());
  process.send?.({ port: gateway.port });
}

async function pour(socket: Socket, megabytes: number): Promise<void> {
  const piece = Buffer.alloc(MB, "x");
  for (let i = 0; i < megabytes; i++) if (!socket.write(piece)) await once(socket, "drain");
}

function counted(socket: Socket, bytes: number, seen = 0): Promise<void> {
  return new Promise((resolve) => {
    let received = seen;
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      if (received < bytes) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
  });
}

async function measure(megabytes: number): Promise<void> {
  const upstream = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (first: Buffer) => void answer(socket, first, megabytes));
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const folder = mkdtempSync(join(tmpdir(), "hyp-bench-"));
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const child = fork(import.meta.filename, ["gateway", url, folder]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  const peak = async (): Promise<{ rss: number; dropped: number }> => {
    child.send("peak");
    const [answered] = (await once(child, "message")) as [{ rss: number; dropped: number }];
    return answered;
  };
  const send = async (head: string): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`${head} HTTP/1.1\r\nhost: localhost:${port}\r\n`);
    return socket;
  };
  for (let i = 0; i < 20; i++) {
    const socket = await send("GET /small");
    socket.end("\r\n");
    await once(socket, "close");
  }
  await peak();
  await sleep(300);
  const idle = (await peak()).rss;
  const results: Record<string, number> = { idle_mb: Math.round(idle / MB) };
  const report = async (name: string, started: number): Promise<void> => {
    results[`${name}_ms`] = Math.round(performance.now() - started);
    const { rss, dropped } = await peak();
    results[`${name}_over_idle_mb`] = Math.round((rss - idle) / MB);
    results[`${name}_dropped_mb`] = Math.round(dropped / MB);
  };

  let started = performance.now();
  const down = await send("GET /big");
  down.write("\r\n");
  await counted(down, megabytes * MB);
  await report("line_down", started);

  started = performance.now();
  const up = await send("POST /up");
  up.write(`content-length: ${megabytes * MB}\r\n\r\n`);
  const answered = once(up, "data");
  await pour(up, megabytes);
  await answered;
  await report("line_up", started);

  started = performance.now();
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = await send("POST /slow");
      socket.write(`content-length: ${20 * MB}\r\n\r\n`);
      const done = once(socket, "data");
      await pour(socket, 20);
      await done;
    }),
  );
  await report("uploads_50x20mb", started);

  child.disconnect();
  upstream.close();
  rmSync(folder, { recursive: true });
  console.log(JSON.stringify(results, null, 2));
  const worst = Math.max(
    ...Object.entries(results).flatMap(([key, value]) => (key.endsWith("over_idle_mb") ? [value] : [])),
  );
  process.exit(worst > BOUND_MB ? 1 : 0);
}

async function answer(socket: Socket, first: Buffer, megabytes: number): Promise<void> {
  const head = first.toString("latin1");
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  if (length > 0) {
    const already = first.length - head.indexOf("\r\n\r\n") - 4;
    if (head.startsWith("POST /slow")) {
      const pause = setInterval(() => {
        socket.pause();
        setTimeout(() => socket.resume(), 10);
      }, 15);
      socket.on("close", () => clearInterval(pause));
    }
    await counted(socket, length, already);
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
  } else if (head.startsWith("GET /big")) {
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: ");
    await pour(socket, megabytes);
    socket.end();
  } else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
}
