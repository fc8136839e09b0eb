import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import type { ProjectorLog } from "../contract/projection.ts";
import { ipBytes, sameBytes } from "./ip.ts";
import type { ListenAddress } from "./listen.ts";
import { bracketed } from "./own-address.ts";
import { portHolder } from "./port-holder.ts";

/**
 * An HTTP server that listens: on the socket that was passed to us, if it has this address. Rejects with HypError `port_taken`,
 * naming the holder where the system tells.
 */
export async function openListener(
  address: ListenAddress,
  passedSocket: number | undefined,
  log: ProjectorLog,
): Promise<Server> {
  if (passedSocket !== undefined) {
    const server = await listening({ fd: passedSocket }).catch((error: Error) => error);
    if (!(server instanceof Error)) {
      const passed = server.address() as AddressInfo;
      if (isSame(passed, address)) return server;
      // Closing it would close our end only: who connects there would wait for ever.
      server.on("connection", (socket) => socket.destroy()).unref();
      log.warn("aigw.passed_socket_unused", {
        passed: `${bracketed(passed.address)}:${passed.port}`,
        configured: `${bracketed(address.host)}:${address.port}`,
        repair: "hyp daemon install",
      });
    } else log.warn("aigw.passed_socket_unused", { error: server.message });
  }
  try {
    return await listening(address);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? await takenPort(address) : error;
  }
}

function isSame(passed: AddressInfo, { host, port }: ListenAddress): boolean {
  const [is, wanted] = [ipBytes(passed.address), ipBytes(host)];
  return passed.port === port && is !== undefined && wanted !== undefined && sameBytes(is, wanted);
}

async function listening(where: ListenAddress | { readonly fd: number }): Promise<Server> {
  const server = createServer({
    // An upload takes as long as it takes.
    requestTimeout: 0,
    headersTimeout: LIMITS.headersTimeoutMs,
    connectionsCheckingInterval: LIMITS.headersTimeoutMs / 5,
    keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    maxHeaderSize: LIMITS.headerBytes,
    // The guard says it in words.
    requireHostHeader: false,
    noDelay: true,
  });
  // Node drops what comes after the 1,000th header without a word; `maxHeaderSize` is the bound.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return server;
}

async function takenPort({ host, port }: ListenAddress): Promise<HypError> {
  const holder = await portHolder(port);
  const address = `${bracketed(host)}:${port}`;
  return new HypError("port_taken", `${address} is taken${holder === undefined ? "" : ` by ${holder}`}`);
}
