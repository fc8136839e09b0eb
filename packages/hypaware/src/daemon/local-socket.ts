// A private way for processes of one home to ask each other something: a Unix socket in the 0700 run folder, one JSON
// object per line in each direction. Gateways answer `flush` on it, the recorder `pass`, `import`, `maintain`, `compact` and
// `commit-shadow`.

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../contract/projection.ts";

/** Longest socket path that both Linux (108) and macOS (104) take, with its terminating zero. */
const SOCKET_PATH_BYTES = 103;
const REQUEST_CHARACTERS = 64 * 1024;

/** Of every system that has Unix sockets. */
const SHORT_FOLDER = "/tmp";

/** Where the socket of that name is. A home too deep for the system's limit gets a place under a temp folder, named by hash. */
export function socketPath(runFolder: string, name: string): string {
  const path = join(runFolder, `${name}.sock`);
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 24);
  const short = [tmpdir(), SHORT_FOLDER].map((folder) => join(folder, `hyp-${digest}.sock`));
  return [path, ...short].find((each) => Buffer.byteLength(each) <= SOCKET_PATH_BYTES)!;
}

export interface LocalServer {
  close(): Promise<void>;
}

export type LocalHandler = (request: JsonObject) => Promise<JsonObject>;

/** Listens at `path`, whose name must be unique to this process's life: a file left by a dead one is removed. */
export async function serveLocal(path: string, handle: LocalHandler): Promise<LocalServer> {
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    onLine(socket, (line) => {
      void answer(line, handle).then((reply) => socket.writable && socket.end(`${JSON.stringify(reply)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  server.on("error", () => {});
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(path, { force: true });
    },
  };
}

async function answer(line: string, handle: LocalHandler): Promise<JsonObject> {
  try {
    return await handle(JSON.parse(line) as JsonObject);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks the process behind `path`. Undefined: nobody is there, or it did not answer within `timeoutMs`. */
export function callLocal(
  path: string,
  request: JsonObject,
  timeoutMs: number,
): Promise<JsonObject | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (reply: JsonObject | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(() => finish(undefined), timeoutMs);
    socket.on("error", () => finish(undefined));
    socket.on("close", () => finish(undefined));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    onLine(socket, (line) => {
      try {
        finish(JSON.parse(line) as JsonObject);
      } catch {
        finish(undefined);
      }
    });
  });
}

function onLine(socket: Socket, handle: (line: string) => void): void {
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (piece: string) => {
    text += piece;
    const end = text.indexOf("\n");
    if (end >= 0) {
      handle(text.slice(0, end));
      text = text.slice(end + 1);
    } else if (text.length > REQUEST_CHARACTERS) socket.destroy();
  });
}
