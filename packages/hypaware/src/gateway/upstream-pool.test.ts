import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { eventually, rawClient, rawServer, type RawServer, type Rig, startRig } from "./fixtures/rig.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

const post = (): string => `POST / HTTP/1.1\r\nhost: localhost:${rig.port}\r\ncontent-length: 1\r\n\r\nx`;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

test.each([
  [
    "sends what nobody asked for, at once",
    (answer: (text: string) => unknown) => answer(`${OK}HTTP/1.1 200 OK\r\n\r\n`),
  ],
  [
    "sends what nobody asked for, later",
    (answer: (text: string) => unknown) => (answer(OK), setTimeout(answer, 5, OK)),
  ],
  [
    "keeps no connection",
    (answer: (text: string) => unknown) => answer(OK.replace("\r\n", "\r\nconnection: close\r\n")),
  ],
  [
    "keeps its connections for a second",
    (answer: (text: string) => unknown) => answer(OK.replace("\r\n", "\r\nkeep-alive: timeout=1\r\n")),
  ],
])("an upstream that %s is asked on another connection next", async (_what, serve) => {
  upstream = await rawServer(async (wire, socket) => {
    while (await wire.request()) serve((text) => socket.write(text));
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  for (let i = 1; i <= 3; i++) {
    client.socket.write(post());
    expect((await client.response()).body.toString()).toBe("ok");
    await eventually(() => upstream.sockets.size === 0);
    expect(upstream.connections).toBe(i);
  }
});

test("an idle connection that its upstream closed is not used", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.end(OK);
    await once(socket, "close");
  });
  rig = await startRig(upstream.url);
  const client = await rawClient(rig.port);
  for (let i = 0; i < 3; i++) {
    client.socket.write(post());
    expect((await client.response()).body.toString()).toBe("ok");
    await eventually(() => upstream.sockets.size === 0);
  }
});
