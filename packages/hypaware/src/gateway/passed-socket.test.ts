import { once } from "node:events";
import net, { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { SILENT } from "./fixtures/rig.ts";
import { openListener } from "./listener.ts";
import { takePassedSocket } from "./passed-socket.ts";

test.each([
  ["nothing is passed", {}, undefined],
  ["one is passed to us", { LISTEN_PID: "42", LISTEN_FDS: "1", LISTEN_FDNAMES: "x.socket" }, 3],
  ["it was meant for our parent", { LISTEN_PID: "41", LISTEN_FDS: "1" }, undefined],
  ["the list is empty", { LISTEN_PID: "42", LISTEN_FDS: "0" }, undefined],
  ["the words are odd", { LISTEN_PID: "42", LISTEN_FDS: "many" }, undefined],
])("%s", (_, variables, expected) => {
  const env: NodeJS.ProcessEnv = { OTHER: "stays", ...variables };
  expect(takePassedSocket(env, 42)).toBe(expected);
  expect(env).toEqual({ OTHER: "stays" });
});

/** A socket that is bound and does not listen yet, as a service manager's that another process made. */
function bound(): { readonly fd: number; readonly port: number } {
  const cluster = net as unknown as {
    _createServerHandle(
      host: string,
      port: number,
      family: 4,
    ): {
      readonly fd: number;
      getsockname(address: { port?: number }): number;
    };
  };
  const handle = cluster._createServerHandle("127.0.0.1", 0, 4);
  const address: { port?: number } = {};
  handle.getsockname(address);
  return { fd: handle.fd, port: address.port ?? 0 };
}

test("the gateway listens on a passed socket that has the configured address", async () => {
  const { fd, port } = bound();
  const server = await openListener({ host: "127.0.0.1", port }, fd, SILENT);
  expect((server.address() as AddressInfo).port).toBe(port);
  server.close();
});

test("a passed socket of another address gives nobody an answer, with a warning, and the configured address is used", async () => {
  const { fd, port: passed } = bound();
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const warnings: string[] = [];
  const log = { ...SILENT, warn: (event: string) => void warnings.push(event) };
  const server = await openListener({ host: "127.0.0.1", port }, fd, log);
  expect((server.address() as AddressInfo).port).toBe(port);
  expect(warnings).toEqual(["aigw.passed_socket_unused"]);
  const client = net.connect(passed, "127.0.0.1").on("error", () => {});
  await once(client, "close");
  server.close();
});

test("a descriptor that is no socket is no reason not to listen", async () => {
  const warnings: string[] = [];
  const log = { ...SILENT, warn: (event: string) => void warnings.push(event) };
  const server = await openListener({ host: "127.0.0.1", port: 0 }, 999, log);
  expect((server.address() as AddressInfo).port).toBeGreaterThan(0);
  expect(warnings).toEqual(["aigw.passed_socket_unused"]);
  server.close();
});
