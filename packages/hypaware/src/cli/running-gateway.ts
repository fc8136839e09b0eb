import { request } from "node:http";
import type { App } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import { readGatewayFile } from "../daemon/run-files.ts";
import { isListening } from "../gateway/is-listening.ts";

/** A service manager that holds the address may start the gateway now. */
const ANSWER_MS = 5_000;

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Base URL of this home's gateway, if one answers. */
export async function runningGateway(app: App): Promise<string | undefined> {
  const file = readGatewayFile(app.paths);
  if (file === undefined) return undefined;
  return (await isListening(file.host, file.port)) ? urlOf(file.host, file.port) : undefined;
}

/**
 * Where a client may be pointed to for good: the gateway that runs, else whoever answers on the configured address as a gateway of ours
 * does. Nobody has to answer when `isTrial`. Throws HypError `gateway_unreachable`.
 */
export async function lastingEndpoint(app: App, isTrial: boolean): Promise<string> {
  const running = await runningGateway(app);
  if (running !== undefined) return running;
  const { host, port } = app.gatewayConfig.listen;
  const url = urlOf(host, port);
  if (isTrial) return url;
  if (port === 0)
    throw new HypError(
      "gateway_unreachable",
      "No gateway runs, and `listen` in the config has no fixed port.",
    );
  const answer = await answerOf(host, port);
  if (answer === "none") throw new HypError("gateway_unreachable", `Nothing answers on ${url}.`);
  if (answer === "other")
    throw new HypError("gateway_unreachable", `What answers on ${url} is no gateway of HypAware.`, {
      next: "Stop it, or set another `listen` in the config; then start the gateway: hyp up, or hyp daemon start",
    });
  return url;
}

/** A gateway refuses a foreign name before it looks at anything else, in words of its own; nothing is forwarded. */
function answerOf(host: string, port: number): Promise<"gateway" | "other" | "none"> {
  return new Promise((resolve) => {
    const asking = request({
      host,
      port,
      path: "/",
      headers: { host: "hypaware.invalid" },
      timeout: ANSWER_MS,
    });
    asking.once("timeout", () => asking.destroy());
    asking.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? "none" : "other"),
    );
    asking.once("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.once("error", () => resolve("other"));
      response.once("end", () =>
        resolve(response.statusCode === 403 && body.includes('"host not allowed"') ? "gateway" : "other"),
      );
    });
    asking.end();
  });
}
