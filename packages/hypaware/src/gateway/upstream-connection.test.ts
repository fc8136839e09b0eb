import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { rawServer } from "./fixtures/rig.ts";
import { UpstreamConnection } from "./upstream-connection.ts";

test("an upstream that we do not read is not taken for a silent one", async () => {
  const upstream = await rawServer(() => undefined);
  const socket = connect(upstream.port, "127.0.0.1");
  await once(socket, "connect");
  const connection = new UpstreamConnection(upstream.url, socket);
  expect(socket.timeout).toBe(LIMITS.upstreamBodyIdleMs);
  connection.pause();
  expect(socket.timeout).toBe(0);
  connection.resume();
  expect(socket.timeout).toBe(LIMITS.upstreamBodyIdleMs);
  connection.destroy();
  await upstream.close();
});
