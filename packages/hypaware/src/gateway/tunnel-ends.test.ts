import { afterEach, expect, test } from "vitest";
import { ended, endOf, payloads, recorded } from "./fixtures/recorded-tunnel.ts";
import {
  eventually,
  rawClient,
  rawServer,
  type RawServer,
  type Rig,
  startRig,
  type Wire,
} from "./fixtures/rig.ts";
import {
  echo,
  frameBytes,
  handshake,
  webSocketClient,
  WebSocketEnd,
  webSocketServer,
} from "./fixtures/websocket.ts";
import { PeerCheck } from "./peer.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

test("an upstream that breaks off in the middle of a frame breaks the client behind the bytes that came", async () => {
  const half = frameBytes("x".repeat(1_000)).subarray(0, 500);
  upstream = await webSocketServer(async (wsEnd) => {
    await wsEnd.frame();
    wsEnd.socket.write(half, () => setTimeout(() => wsEnd.socket.resetAndDestroy(), 20));
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  client.send("go");
  expect((await client.wire.bytes(500)).equals(half)).toBe(true);
  expect((await client.wire.rest()).length).toBe(0);
  expect(client.wire.error).toMatchObject({ code: "ECONNRESET" });
  await ended(rig);
  expect(endOf(rig)).toMatchObject({ outcome: "upstream_aborted", responseBytes: 500 });
  expect(recorded(rig, "server").equals(half)).toBe(true);
});

test("an upstream that just ends without a close frame ends the client, and is recorded as having left", async () => {
  upstream = await webSocketServer((wsEnd) => wsEnd.socket.end(frameBytes("last words")));
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  expect(await client.text()).toBe("last words");
  await client.wire.rest();
  expect(client.wire.error).toBeUndefined();
  client.socket.end();
  await ended(rig);
  expect(endOf(rig)).toMatchObject({
    outcome: "upstream_aborted",
    error: "the upstream left without closing the WebSocket",
  });
});

test.each([
  ["resets", (wire: Wire) => wire.socket.resetAndDestroy()],
  ["is killed", (wire: Wire) => wire.socket.destroy()],
])("a client that %s is gone for the upstream within a moment", async (_name, leave) => {
  let gone = 0;
  upstream = await webSocketServer(async (wsEnd) => {
    wsEnd.socket.on("close", () => (gone = performance.now()));
    wsEnd.socket.on("end", () => wsEnd.socket.end());
    wsEnd.send("hello");
    await wsEnd.frame();
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  await client.frame();
  const left = performance.now();
  leave(client.wire);
  await eventually(() => gone > 0, 5_000);
  expect(gone - left).toBeLessThan(2_000);
  await ended(rig);
  expect(endOf(rig).outcome).toBe("client_aborted");
});

test("a client that leaves while the upstream thinks about the upgrade leaves the upstream, too", async () => {
  let gone = false;
  upstream = await rawServer(async (wire, socket) => {
    socket.on("close", () => (gone = true));
    await wire.head();
  });
  rig = await startRig(upstream.url);
  const wire = await rawClient(rig.port);
  wire.socket.write(handshake(rig.port));
  await eventually(() => upstream.connections === 1);
  wire.socket.end();
  await eventually(() => gone);
  await ended(rig);
  expect(endOf(rig).outcome).toBe("client_aborted");
  await wire.rest();
});

test("a client that leaves before it is known who it is holds no connection", async () => {
  upstream = await webSocketServer(echo);
  class SlowPeers extends PeerCheck {
    override async check(): Promise<"same-account"> {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "same-account";
    }
  }
  rig = await startRig(upstream.url, { peers: new SlowPeers() });
  const wire = await rawClient(rig.port);
  wire.socket.end(handshake(rig.port));
  await wire.rest();
  await eventually(() => rig.stats().connections === 0);
  expect(rig.stats().exchanges).toBe(0);
});

test("one side may end and the other go on", async () => {
  upstream = await webSocketServer(async (wsEnd) => {
    wsEnd.socket.allowHalfOpen = true;
    await wsEnd.closed();
    await wsEnd.wire.rest();
    wsEnd.send("after your end");
    wsEnd.socket.end();
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  client.close(1000);
  client.socket.end();
  expect(await client.text()).toBe("after your end");
  await ended(rig);
  expect(endOf(rig).outcome).toBe("complete");
});

test("a kept connection may become a WebSocket, and the next one gets a connection of its own", async () => {
  upstream = await rawServer(async (wire, socket) => {
    await wire.request();
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await wire.head();
    socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
    await echo(new WebSocketEnd(wire, false));
  });
  rig = await startRig(upstream.url);
  const get = `GET /v1/x HTTP/1.1\r\nhost: 127.0.0.1:${rig.port}\r\n\r\n`;
  const wire = await rawClient(rig.port);
  wire.socket.write(get);
  await wire.response();
  wire.socket.write(handshake(rig.port));
  expect((await wire.head())?.startLine).toBe("HTTP/1.1 101 Switching Protocols");
  expect(upstream.connections).toBe(1);
  const client = new WebSocketEnd(wire, true);
  client.send("still here");
  expect(await client.text()).toBe("still here");
  const other = await rawClient(rig.port);
  other.socket.write(get);
  expect((await other.response()).startLine).toBe("HTTP/1.1 200 OK");
  expect(upstream.connections).toBe(2);
});

test("a stop waits for a WebSocket, then cuts it", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  const stopped = rig.stop({ drainMs: 500 });
  client.send("still carried");
  expect(await client.text()).toBe("still carried");
  expect(await stopped).toEqual({ cut: 1 });
  await client.wire.rest();
  await eventually(() => upstream.sockets.size === 0);
  expect(endOf(rig)).toMatchObject({ outcome: "interrupted", error: "the gateway was stopped" });
  expect(payloads(recorded(rig, "server"))).toEqual(["still carried"]);
});

test("a WebSocket that closes in time is not cut by a stop", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  const stopped = rig.stop({ drainMs: 5_000 });
  client.close(1000);
  await client.closed();
  client.socket.end();
  expect(await stopped).toEqual({ cut: 0 });
  expect(endOf(rig).outcome).toBe("complete");
});
