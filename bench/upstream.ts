// A model provider that costs next to nothing: answers by the header `x-bench: json | burst | paced`. Prints its port.
//
//   node bench/upstream.ts

import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { delta, DELTAS, jsonAnswer, streamEnds } from "./bodies.ts";

const PACE_MS = 5;
const SSE_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const DELTA_CHUNKS = Array.from({ length: DELTAS }, (_, i) => chunk(delta(i))).join("");

let answers = 0;

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

async function answer(socket: Socket, kind: string): Promise<void> {
  const n = answers++;
  if (kind === "json") {
    const body = jsonAnswer(n);
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.write(head + body);
    return;
  }
  const [begin, end] = streamEnds(n);
  if (kind === "burst") {
    socket.write(`${SSE_HEAD}${chunk(begin)}${DELTA_CHUNKS}${chunk(end)}0\r\n\r\n`);
    return;
  }
  socket.write(SSE_HEAD + chunk(begin));
  const began = performance.now();
  for (let i = 0; i < DELTAS && !socket.destroyed; i++) {
    await sleep(Math.max(0, began + i * PACE_MS - performance.now()));
    socket.write(chunk(delta(i, Number(process.hrtime.bigint() / 1_000n))));
  }
  socket.write(`${chunk(end)}0\r\n\r\n`);
}

/** Requests with a length or in chunks; what gateways send. */
function serve(socket: Socket): void {
  let pieces: Buffer[] = [];
  let held = 0;
  let needed = 0;
  let kind = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (piece) => {
    pieces.push(piece);
    held += piece.length;
    if (needed === 0) {
      const bytes = Buffer.concat(pieces);
      pieces = [bytes];
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = bytes.toString("latin1", 0, end);
      kind = /^x-bench: (\w+)/im.exec(head)?.[1] ?? "json";
      needed = end + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Number.NaN);
      if (Number.isNaN(needed)) throw new Error(`no length: ${head}`);
    }
    if (held < needed) return;
    pieces = [];
    held = 0;
    needed = 0;
    void answer(socket, kind);
  });
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
