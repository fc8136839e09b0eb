import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { passOn, passOnTogether } from "./pass-on.ts";

let socket: Socket;
let peer: Socket;

beforeEach(async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const connected = once(socket, "connect");
  [peer] = (await accepted) as [Socket];
  await connected;
  server.close();
});

afterEach(() => {
  socket.destroy();
  peer.destroy();
});

async function received(bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let length = 0; length < bytes;) {
    const [piece] = (await once(peer, "data")) as [Buffer];
    pieces.push(piece);
    length += piece.length;
  }
  return Buffer.concat(pieces);
}

test.each([0, 1, 32 * 1_024, 32 * 1_024 + 1, 150_000])(
  "a head, %i bytes and a tail arrive one behind the other, each of them or not",
  async (length) => {
    const body = Buffer.alloc(length, "b");
    for (const [head, tail] of [
      ["head \xff", "tail \xe9"],
      ["head \xff", ""],
      ["", "tail \xe9"],
    ] as const) {
      const all = Buffer.concat([Buffer.from(head, "latin1"), body, Buffer.from(tail, "latin1")]);
      passOnTogether(socket, head, body, tail);
      expect((await received(all.length)).equals(all)).toBe(true);
    }
  },
);

test("what the kernel took at once does not have to be waited for, more than that has", async () => {
  const much = Buffer.alloc(socket.writableHighWaterMark, "b");
  expect(passOn(socket, much)).toBe(true);
  await received(much.length);
  expect(passOnTogether(socket, "head", much)).toBe(true);
  await received("head".length + much.length);
  peer.pause();
  const tooMuch = Buffer.alloc(64 * 1_024 * 1_024);
  expect(passOnTogether(socket, "head", tooMuch, "tail")).toBe(false);
  expect(passOn(socket, much)).toBe(false);
  expect(socket.writableNeedDrain).toBe(true);
});
