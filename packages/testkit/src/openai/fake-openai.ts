import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { generation } from "../generation.ts";
import { headerOf } from "../recording.ts";
import { acceptUpgrade, CLOSE, frame, readFrames, TEXT } from "../websocket-frames.ts";
import { decodeBody } from "../wire-request.ts";
import { type ChatRequest, chunksOf, completionTo } from "./chat-wire.ts";
import {
  emptyResponse,
  eventsOf,
  itemsOf,
  type Response,
  responseTo,
  type ResponsesRequest,
  toolNames,
} from "./responses-wire.ts";
import { type Delivery, type Item, type Reply, replyTo, type Saying } from "./script.ts";

// OpenAI's provider on loopback that real clients accept: Responses (JSON, server-sent events, WebSocket), Chat Completions, and as much
// of ChatGPT's backend as Codex asks for before its first call. Scripted by the prompt (script.ts), with an account of every call.

export interface OpenAiCall {
  readonly transport: "http" | "websocket";
  /** Request target as it came. */
  readonly target: string;
  /** Of the request; of a call on a WebSocket those of its handshake. */
  readonly rawHeaders: readonly string[];
  readonly body: object;
  /** Items or messages, the history that the connection knows included. */
  readonly input: readonly Item[];
  readonly status: number;
  readonly requestId: string;
  /** Of the Responses API, when it answered. */
  readonly response?: Response;
}

export interface FakeOpenAi {
  readonly url: string;
  readonly port: number;
  /** For answers, oldest first; prewarms, model lists and accounts are not among them. */
  calls(): readonly OpenAiCall[];
  /** From now on whoever wants a WebSocket is told to ask without. */
  refuseSockets(): void;
  close(): Promise<void>;
}

const REFUSAL = "HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

export async function startFakeOpenAi({
  seed = "testkit",
}: { readonly seed?: string } = {}): Promise<FakeOpenAi> {
  const calls: OpenAiCall[] = [];
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  let generations = 0;
  let refusesSockets = false;
  const next = (): ReturnType<typeof generation> => generation(seed, ++generations);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const target = request.url ?? "";
    const path = target.split("?")[0]!;
    const about = { transport: "http", target, rawHeaders: request.rawHeaders } as const;
    if (request.method === "POST" && /\/(?:responses|chat\/completions)$/.test(path)) {
      const coding = headerOf(request.rawHeaders, "content-encoding");
      const body = JSON.parse(decodeBody(Buffer.concat(pieces), coding).toString("utf8")) as object;
      return path.endsWith("/responses") ? respond(about, body, response) : chat(about, body, response);
    }
    const found = auxiliary(path, request);
    return json(response, found === undefined ? 404 : 200, found ?? error("not_found_error"));
  }

  type About = Pick<OpenAiCall, "transport" | "target" | "rawHeaders">;

  function respond(about: About, request: ResponsesRequest, response: ServerResponse): void {
    const input = itemsOf(request);
    const made = next();
    const reply = replyTo(input, toolNames(request, input), attempts);
    const call = { ...about, body: request, input, requestId: made.requestId };
    if (reply.kind === "failure") return fail(call, reply, response);
    const answer = responseTo(request, made, reply.sayings);
    calls.push({ ...call, status: 200, response: answer });
    const headers = { "x-request-id": made.requestId };
    if (request.stream !== true) return json(response, 200, answer, headers);
    events(
      response,
      [...eventsOf(answer)].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
      headers,
      reply.delivery,
    );
  }

  function chat(about: About, request: ChatRequest, response: ServerResponse): void {
    const input = request.messages ?? [];
    const made = next();
    const tools = new Set((request.tools ?? []).map((tool) => tool.function?.name ?? ""));
    const reply = replyTo(input, tools, attempts);
    const call = { ...about, body: request, input, requestId: made.requestId };
    if (reply.kind === "failure") return fail(call, reply, response);
    calls.push({ ...call, status: 200 });
    const headers = { "x-request-id": made.requestId };
    if (request.stream !== true)
      return json(response, 200, completionTo(request, made, reply.sayings), headers);
    const data = [...chunksOf(request, made, reply.sayings)].map((chunk) => JSON.stringify(chunk));
    events(
      response,
      [...data, "[DONE]"].map((each) => `data: ${each}\n\n`),
      headers,
    );
  }

  function fail(
    call: Omit<OpenAiCall, "status">,
    { status }: Extract<Reply, { kind: "failure" }>,
    response: ServerResponse,
  ): void {
    calls.push({ ...call, status });
    const again: Record<string, string> = status === 429 ? { "retry-after": "1" } : {};
    json(response, status, error(status === 429 ? "rate_limit_exceeded" : "server_error"), again);
  }

  /** One connection: what it was told and said is not sent again. */
  function converse(request: IncomingMessage, socket: Socket): void {
    const about = {
      transport: "websocket",
      target: request.url ?? "",
      rawHeaders: request.rawHeaders,
    } as const;
    const known = new Map<string, readonly Item[]>();
    let warm = 0;
    acceptUpgrade(socket, request);
    readFrames(socket, (opcode, payload) => {
      if (opcode === CLOSE) socket.end(frame(CLOSE, payload));
      if (opcode !== TEXT) return;
      const sent = JSON.parse(payload.toString()) as ResponsesRequest;
      const before = known.get(sent.previous_response_id ?? "") ?? [];
      const input = [...before, ...itemsOf(sent)];
      const { answer, sayings } = reply(sent, input);
      known.set(answer.id, [...input, ...answer.output]);
      if (sayings !== undefined)
        calls.push({ ...about, body: sent, input, status: 200, requestId: "", response: answer });
      for (const event of eventsOf(answer)) socket.write(frame(TEXT, Buffer.from(JSON.stringify(event))));
    });

    function reply(
      sent: ResponsesRequest,
      input: readonly Item[],
    ): { answer: Response; sayings?: readonly Saying[] } {
      if (sent.generate === false) return { answer: emptyResponse(sent, `resp_warm_${++warm}`) };
      const said = replyTo(input, toolNames(sent, input), attempts);
      const sayings: readonly Saying[] =
        said.kind === "failure" ? [{ kind: "text", text: "It fails." }] : said.sayings;
      return { answer: responseTo(sent, next(), sayings), sayings };
    }
  }

  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.on("upgrade", (request, duplex) => {
    const socket = duplex as Socket;
    if (refusesSockets) return void socket.end(REFUSAL);
    sockets.add(socket);
    socket.on("error", () => {});
    // A client that has said its last word is answered with the end, as by the provider's servers; Node keeps the other half open.
    socket.on("end", () => socket.end());
    socket.on("close", () => sockets.delete(socket));
    converse(request, socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls: () => calls.slice(),
    refuseSockets() {
      refusesSockets = true;
    },
    async close() {
      const closed = once(server, "close");
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Who is signed in, and what else Codex wants to know; `undefined` for every other path. */
function auxiliary(path: string, request: IncomingMessage): object | undefined {
  if (path.endsWith("/wham/accounts/check")) {
    const id = String(request.headers["chatgpt-account-id"] ?? "account");
    const account = {
      id,
      account_user_id: `user__${id}`,
      plan_type: "plus",
      structure: "personal",
      is_deactivated: false,
      workspace_backend_origin: "NO_CONSTRAINT",
      account_routing_override: "NO_CONSTRAINT",
    };
    return { accounts: [account], account_ordering: [id], default_account_id: id };
  }
  if (path.endsWith("/codex/models")) return { models: [] };
  if (path.endsWith("/models"))
    return { object: "list", data: [{ id: "m", object: "model", owned_by: "fake" }] };
  if (path.includes("/ps/plugins/")) return { plugins: [], pagination: { next_page_token: null } };
  return path.includes("/analytics-events") || path.includes("/wham/") ? {} : undefined;
}

function error(type: string): object {
  return { error: { message: "As it was asked for.", type, param: null, code: null } };
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function events(
  response: ServerResponse,
  texts: readonly string[],
  headers: Readonly<Record<string, string>>,
  delivery?: Delivery,
): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
  const half = delivery === undefined ? texts.length : Math.ceil(texts.length / 2);
  for (const text of texts.slice(0, half)) response.write(text);
  const end = (): void => {
    if (delivery?.isCut === true) return void response.destroy();
    for (const text of texts.slice(half)) response.write(text);
    response.end();
  };
  if (delivery === undefined) return end();
  const timer = setTimeout(end, delivery.waitMs);
  response.once("close", () => clearTimeout(timer));
}
