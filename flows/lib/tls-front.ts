import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";

/** What a person puts before the gateway who wants HTTPS: it ends TLS and copies bytes. */
export interface TlsFront {
  readonly port: number;
  /** PEM file of the authority that signed its certificate. */
  readonly caFile: string;
  /** Where the bytes go from now on. */
  forwardTo(port: number): void;
  close(): Promise<void>;
}

/** For `localhost`. Undefined where there is no openssl to make certificates with. */
export async function startTlsFront(folder: string): Promise<TlsFront | undefined> {
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  if (!makeCertificates(folder)) return undefined;
  let target = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
  };
  const options = { key: readFileSync(file("leaf.key")), cert: readFileSync(file("leaf.pem")) };
  const server = createServer(options, (client) => {
    const gateway = connect(target, "127.0.0.1");
    keep(client);
    keep(gateway);
    client.pipe(gateway).pipe(client);
    client.on("close", () => gateway.destroy());
    gateway.on("close", () => client.destroy());
  });
  server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    caFile: file("ca.pem"),
    forwardTo: (port) => void (target = port),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function makeCertificates(folder: string): boolean {
  const openssl = (...args: string[]): Buffer =>
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const key = (name: string): Buffer =>
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
  try {
    openssl("version");
  } catch {
    return false;
  }
  writeFileSync(join(folder, "leaf.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  key("ca");
  key("leaf");
  openssl(
    "req",
    "-x509",
    "-new",
    "-key",
    "ca.key",
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
    "-out",
    "ca.pem",
  );
  openssl("req", "-new", "-key", "leaf.key", "-subj", "/CN=localhost", "-out", "leaf.csr");
  const signing = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "leaf.ext",
  ];
  openssl("x509", "-req", "-in", "leaf.csr", ...signing, "-out", "leaf.pem");
  return true;
}
