/** What a request of the API asks for. */
export type Endpoint = "messages" | "count_tokens" | "models" | "probe";

/** `/v1/messages` or below it: nobody else's API has this path. `path` without query. */
export function isMessagesPath(path: string): boolean {
  return path === "/v1/messages" || path.startsWith("/v1/messages/");
}

/** Whether the client only looks if somebody answers, as Claude Code does at its start, without a key. */
export function isProbe(method: string, path: string): boolean {
  return method === "HEAD" && (path === "/" || path === "/api/hello");
}

/** `path` without query. `undefined` for what carries nothing that we know, such as batches and files. */
export function endpointOf(method: string, path: string): Endpoint | undefined {
  if (path === "/v1/messages") return method === "POST" ? "messages" : "probe";
  if (path === "/v1/messages/count_tokens") return "count_tokens";
  if (path === "/v1/models" || path.startsWith("/v1/models/")) return "models";
  return isProbe(method, path) || path === "/api/hello" ? "probe" : undefined;
}
