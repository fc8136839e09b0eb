// An answer of 100,000 events (42 MB, chunked) through a gateway with its journal: identical bytes, and time that grows with the
// length only. Prints JSON; exits 1 when a byte differs or 100,000 events take more than 2.3 times as long as 50,000.
//
//   node bench/long-answer.ts [events]

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "../packages/hypaware/src/gateway/gateway.ts";
import { buildRoutes } from "../packages/hypaware/src/gateway/router.ts";
import { openJournal } from "../packages/hypaware/src/journal/journal.ts";

const ROUNDS = 5;
const MAX_RATIO = 2.3;
const events = Number(process.argv[2] ?? 100_000);

function eventOf(index: number): Buffer {
  const text = `event: content_block_delta\ndata: {"index":${index},"text":"${"word ".repeat(70)}"}\n\n`;
  return Buffer.from(text.padEnd(420));
}

/** What the upstream sends for so many events: each its own chunk, several in a write. */
async function sendAnswer(socket: Socket, count: number): Promise<void> {
  socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
  let batch: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const event = eventOf(i);
    batch.push(Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from("\r\n"));
    if (batch.length < 300) continue;
    if (!socket.write(Buffer.concat(batch))) await once(socket, "drain");
    batch = [];
  }
  socket.write(Buffer.concat([...batch, Buffer.from("0\r\n\r\n")]));
}

function expectedHash(count: number): string {
  const hash = createHash("sha256");
  for (let i = 0; i < count; i++) hash.update(eventOf(i));
  return hash.digest("hex");
}

async function download(port: number, count: number): Promise<{ ms: number; hash: string; bytes: number }> {
  const started = performance.now();
  const hash = createHash("sha256");
  let bytes = 0;
  const [response] = (await once(
    get({ port, host: "127.0.0.1", path: `/${count}`, agent: false }),
    "response",
  )) as [IncomingMessage];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { ms: performance.now() - started, hash: hash.digest("hex"), bytes };
}

const upstream = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  socket.on(
    "data",
    (data: Buffer) => void sendAnswer(socket, Number(/^GET \/(\d+)/.exec(data.toString("latin1"))?.[1])),
  );
}).listen(0, "127.0.0.1");
await once(upstream, "listening");
const upstreamPort = (upstream.address() as AddressInfo).port;
const folder = mkdtempSync(join(tmpdir(), "hyp-bench-"));
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const journal = await openJournal({ dir: join(folder, "run"), runId: "run", log });
const gateway = await startGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: buildRoutes({
    presets: [],
    upstreams: [{ name: "up", base_url: `http://127.0.0.1:${upstreamPort}` }],
  }),
  sink: journal,
  gatewayId: "bench",
  log,
});

let identical = true;
async function best(port: number, count: number): Promise<number> {
  const hash = expectedHash(count);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const result = await download(port, count);
    identical &&= result.hash === hash;
    times.push(result.ms);
  }
  return Math.min(...times);
}

const directMs = await best(upstreamPort, events);
const halfMs = await best(gateway.port, events / 2);
const fullMs = await best(gateway.port, events);
const ratio = fullMs / halfMs;
console.log(
  JSON.stringify(
    {
      events,
      megabytes: Math.round((events * 420) / 1e6),
      identical,
      direct_ms: Math.round(directMs),
      half_ms: Math.round(halfMs),
      full_ms: Math.round(fullMs),
      ratio: Number(ratio.toFixed(2)),
      dropped_mb: Math.round(gateway.stats().droppedBytes / 1e6),
    },
    null,
    2,
  ),
);
await gateway.stop({ drainMs: 0 });
await journal.close();
upstream.close();
rmSync(folder, { recursive: true });
process.exit(identical && ratio <= MAX_RATIO ? 0 : 1);
