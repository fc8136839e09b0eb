import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { ConnectError, createDial, type Dial } from "./dial.ts";
import { CERTIFICATE, KEY } from "./fixtures/tls.ts";
import { OwnAddress } from "./own-address.ts";

const OWN = new OwnAddress("127.0.0.1", 1);
const trusted = getCACertificates("default");
const open: { close(): void }[] = [];

afterEach(() => {
  setDefaultCACertificates(trusted);
  for (const each of open.splice(0)) each.close();
});

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A server that says "ready" to everyone, and what names it was asked for. */
async function tlsServer(): Promise<{ readonly port: number; readonly names: (string | false)[] }> {
  const names: (string | false)[] = [];
  const server = createServer(
    { cert: CERTIFICATE, key: KEY, ALPNProtocols: ["h2", "http/1.1"] },
    (socket) => {
      names.push(socket.servername ?? false);
      socket.on("error", () => undefined).write("ready");
    },
  );
  return { port: await listening(server), names };
}

async function dialed(dial: Dial, origin: string): Promise<Socket | ConnectError> {
  const result = await new Promise<Socket | ConnectError>((resolve) => dial(origin, resolve));
  if (!(result instanceof Error)) open.push({ close: () => result.destroy() });
  return result;
}

test("TLS: HTTP/1.1 is agreed on, the name is told, and the next connection takes the session up", async () => {
  setDefaultCACertificates([CERTIFICATE]);
  const { port, names } = await tlsServer();
  const dial = createDial(OWN);
  const first = (await dialed(dial, `https://localhost:${port}`)) as TLSSocket;
  expect(first.alpnProtocol).toBe("http/1.1");
  expect(first.isSessionReused()).toBe(false);
  // Behind the handshake.
  await once(first, "session");
  const second = (await dialed(dial, `https://localhost:${port}`)) as TLSSocket;
  expect(second.isSessionReused()).toBe(true);
  const third = (await dialed(dial, `https://127.0.0.1:${port}`)) as TLSSocket;
  expect(third.isSessionReused()).toBe(false);
  await once(third, "data");
  expect(names).toEqual(["localhost", "localhost", false]);
});

test("TLS: a certificate that nobody vouches for is a refusal in words, and the socket is closed", async () => {
  const { port } = await tlsServer();
  const result = await dialed(createDial(OWN), `https://localhost:${port}`);
  expect(result).toBeInstanceOf(ConnectError);
  expect((result as ConnectError).message).toMatch(/self-signed certificate/);
});

test("an upstream that is ourselves is refused by the address that was reached", async () => {
  const port = await listening(createTcpServer());
  const result = await dialed(createDial(new OwnAddress("127.0.0.1", port)), `http://localhost:${port}`);
  expect(result).toBeInstanceOf(ConnectError);
  expect((result as ConnectError).message).toContain("this gateway's own address");
});

test.each([
  ["nobody listens", "http://127.0.0.1:1", /ECONNREFUSED/],
  ["no such name", "http://does-not-exist.invalid", /does-not-exist\.invalid/],
])("%s: the reason is told once", async (_what, origin, reason) => {
  const results: (Socket | ConnectError)[] = [];
  await new Promise<void>((resolve) =>
    createDial(OWN)(origin, (result) => {
      results.push(result);
      setTimeout(resolve, 20);
    }),
  );
  expect(results).toHaveLength(1);
  expect((results[0] as ConnectError).message).toMatch(reason);
});
