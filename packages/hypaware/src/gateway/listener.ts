import { createServer, type Server } from "node:http";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { bracketed } from "./own-address.ts";
import { portHolder } from "./port-holder.ts";

/** An HTTP server that listens. Rejects with HypError `port_taken`, naming the holder where the system tells. */
export async function openListener(host: string, port: number): Promise<Server> {
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
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code !== "EADDRINUSE") reject(error);
      else void takenPort(host, port).then(reject);
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
  return server;
}

async function takenPort(host: string, port: number): Promise<HypError> {
  const holder = await portHolder(port);
  const address = `${bracketed(host)}:${port}`;
  return new HypError("port_taken", `${address} is taken${holder === undefined ? "" : ` by ${holder}`}`);
}
