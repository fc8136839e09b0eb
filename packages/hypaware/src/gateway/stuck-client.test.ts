import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { ownAnswer } from "./answer.ts";
import { ClientConnection } from "./client-connection.ts";
import { PlainClient } from "./plain-client.ts";

const head = (line: string, ...fields: readonly string[]): string =>
  [`${line} HTTP/1.1`, "host: localhost", ...fields, "", ""].join("\r\n");
const aMoment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** What is written to it does not leave. */
class StuckSocket extends Duplex {
  override _read(): void {}

  override _write(): void {}

  destroySoon(): void {
    this.end();
  }
}

test("while an answer to the last request leaves, the end of its upload begins no other", async () => {
  const socket = new StuckSocket() as unknown as Socket;
  const asked: string[] = [];
  const client = new PlainClient({
    connection: new ClientConnection(socket),
    onRequest() {
      asked.push(client.request.target);
      client.answer(ownAnswer(413, { error: "too large" }));
    },
    onUnusual: () => asked.push("unusual"),
    isStopping: () => false,
  });
  for (const text of [
    head("POST /", "connection: close", "content-length: 6"),
    "abc",
    `def${head("GET /b")}`,
  ]) {
    socket.push(text);
    await aMoment();
  }
  expect(asked).toEqual(["/"]);
});

test("what comes too early is held up to a bound, and each answer does not let in more", async () => {
  const socket = new StuckSocket() as unknown as Socket;
  const ignore = (): void => undefined;
  const client = new PlainClient({
    connection: new ClientConnection(socket),
    onRequest: () => client.take({ upload: ignore, uploadEnd: ignore, drained: ignore }),
    onUnusual: () => expect.fail("all are plain"),
    isStopping: () => false,
  });
  const piece = head("GET /").repeat(LIMITS.headerBytes / 64);
  for (let i = 0; i < 4; i++) {
    socket.push(piece);
    await aMoment();
  }
  const waiting = socket.readableLength;
  expect(waiting).toBeGreaterThan(piece.length);
  for (let i = 0; i < 5; i++) {
    client.answer(ownAnswer(404, { error: "nobody" }));
    await aMoment();
  }
  expect(socket.readableLength).toBe(waiting);
});
