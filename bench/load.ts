// Sends requests in a closed loop and prints one line of JSON (LoadResult). One process for each run.
//
//   node bench/load.ts '{"port":8080,"scenario":"json5k_c1","requests":100,"firstMark":0}'

import { connect } from "node:net";
import type { Socket } from "node:net";
import { MARK } from "./bodies.ts";
import { percentile } from "./figures.ts";
import { SCENARIOS } from "./scenarios.ts";

export interface LoadOrder {
  readonly port: number;
  readonly scenario: string;
  readonly requests: number;
  /** Conversations are numbered from here. */
  readonly firstMark: number;
}

/** Times in microseconds. `event*` are 0 where events carry no time. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly totalP50: number;
  readonly totalP99: number;
  readonly ttfbP50: number;
  readonly ttfbP99: number;
  readonly eventP50: number;
  readonly eventP99: number;
}

const END_OF_CHUNKS = Buffer.from("0\r\n\r\n");
const order = JSON.parse(process.argv[2] ?? "") as LoadOrder;
const scenario = SCENARIOS.find(({ name }) => name === order.scenario)!;
const bodies = scenario.bodies();
const totals: number[] = [];
const firsts: number[] = [];
const lags: number[] = [];
let errors = 0;
let started = 0;

function requestBytes(n: number): Buffer {
  const template = bodies[n % bodies.length]!;
  const mark = String(order.firstMark + Math.floor(n / bodies.length)).padStart(MARK.length, "0");
  const body = Buffer.from(template);
  for (let at = body.indexOf(MARK); at >= 0; at = body.indexOf(MARK, at + MARK.length)) body.write(mark, at);
  const head = [
    "POST /v1/messages?beta=true HTTP/1.1",
    `Host: localhost:${order.port}`,
    "Content-Type: application/json",
    "Accept: application/json",
    "anthropic-version: 2023-06-01",
    "x-api-key: sk-ant-bench-0000",
    "User-Agent: claude-cli/2.1.330 (external, cli)",
    `X-Claude-Code-Session-Id: 0c9b1c0e-0000-4000-8000-${mark}`,
    `x-bench: ${scenario.answer}`,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** False: the connection is of no more use. */
function exchange(socket: Socket, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const began = performance.now();
    let first = 0;
    let received = 0;
    /** Of a sized answer; 0: chunked. */
    let needed: number | undefined;
    const done = (isGood: boolean): void => {
      socket.removeAllListeners("data").removeAllListeners("close");
      if (!isGood) errors++;
      else {
        totals.push((performance.now() - began) * 1_000);
        firsts.push((first - began) * 1_000);
      }
      resolve(isGood);
    };
    socket.on("data", (piece) => {
      if (needed === undefined) {
        first = performance.now();
        const text = piece.toString("latin1", 0, 2_000);
        if (!text.startsWith("HTTP/1.1 200")) {
          done(false);
          return;
        }
        const length = /^content-length: (\d+)/im.exec(text)?.[1];
        needed = length === undefined ? 0 : text.indexOf("\r\n\r\n") + 4 + Number(length);
      }
      received += piece.length;
      if (scenario.answer === "paced") readLags(piece);
      const isWhole =
        needed === 0
          ? piece.length >= END_OF_CHUNKS.length &&
            piece.subarray(-END_OF_CHUNKS.length).equals(END_OF_CHUNKS)
          : received >= needed;
      if (isWhole) done(true);
    });
    socket.on("close", () => done(false));
    socket.write(bytes);
  });
}

function readLags(piece: Buffer): void {
  const now = Number(process.hrtime.bigint() / 1_000n);
  for (const [, sentAt] of piece.toString("latin1").matchAll(/<(\d+)>/g)) lags.push(now - Number(sentAt));
}

async function worker(): Promise<void> {
  let socket = await open();
  while (started < order.requests) {
    const bytes = requestBytes(started++);
    if (await exchange(socket, bytes)) continue;
    socket.destroy();
    socket = await open();
  }
  socket.destroy();
}

await Promise.all(Array.from({ length: scenario.connections }, worker));
const result: LoadResult = {
  requests: order.requests,
  errors,
  totalP50: percentile(totals, 50),
  totalP99: percentile(totals, 99),
  ttfbP50: percentile(firsts, 50),
  ttfbP99: percentile(firsts, 99),
  eventP50: percentile(lags, 50),
  eventP99: percentile(lags, 99),
};
console.log(JSON.stringify(result));
