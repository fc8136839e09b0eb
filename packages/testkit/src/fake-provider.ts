import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { answerTo } from "./answer.ts";
import { errorAnswer, jsonAnswer, providerHeaders, streamAnswer } from "./anthropic-wire.ts";
import { CODINGS } from "./coding.ts";
import type { Coding } from "./coding.ts";
import { Delivery } from "./delivery.ts";
import { generation } from "./generation.ts";
import { headerOf } from "./recording.ts";
import type { RecordedExchange, RecordedResponse } from "./recording.ts";
import { decodeBody, parseRequest } from "./wire-request.ts";
import type { WireRequest } from "./wire-request.ts";

// A model provider on loopback that real clients accept: the Anthropic Messages API, scripted by the prompt
// (directive.ts), with an account of everything it received and sent. Also a program:
//
//   node packages/testkit/src/fake-provider.ts --port 9100 [--seed NAME] [--encoding gzip]

const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"];

export interface FakeProviderOptions {
  /** 0 (default) = a free one. */
  readonly port?: number;
  /** Names the model: ids and signatures follow from it. */
  readonly seed?: string;
  /** Content coding of every answer with a body. Default `identity`. */
  readonly encoding?: Coding;
}

export interface FakeProvider {
  readonly url: string;
  readonly port: number;
  /** Oldest first; the response of a running one still grows. */
  requests(): readonly RecordedExchange[];
  setEncoding(encoding: Coding): void;
  /** Forgets requests and counts; the next generation is number 1 again. */
  reset(): void;
  /** Breaks running answers off. */
  close(): Promise<void>;
}

export async function startFakeProvider(options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const seed = options.seed ?? "testkit";
  let encoding = options.encoding ?? "identity";
  let exchanges: RecordedExchange[] = [];
  let attempts = new Map<string, number>();
  let generations = 0;
  let connections = 0;
  const connectionOf = new WeakMap<object, number>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const target = request.url ?? "";
    const route = `${request.method} ${target.split("?")[0]}`;
    const parsed = route === "POST /v1/messages" ? tryParse(request, body) : undefined;
    const made = parsed === undefined ? undefined : generation(seed, ++generations);
    const answer = parsed === undefined || made === undefined ? undefined : answerTo(parsed, made, attempts);
    const record: RecordedResponse = {
      status: 0,
      rawHeaders: [],
      coding: "identity",
      chunks: [],
      ending: "open",
    };
    const seq = exchanges.length + 1;
    exchanges.push({
      seq,
      connection: connectionOf.get(request.socket) ?? 0,
      method: request.method ?? "",
      target,
      rawHeaders: request.rawHeaders,
      body,
      generation: made,
      answer,
      response: record,
    });
    const delivery = new Delivery(response, record, encoding);
    if (parsed !== undefined && made !== undefined && answer !== undefined) {
      const headers = providerHeaders(made.requestId, made.n);
      const model = parsed.model ?? "fake-model";
      if (answer.kind === "failure") {
        const failure = errorAnswer(answer.status, made.requestId);
        delivery.json(answer.status, failure.body, [...headers, ...failure.headers]);
      } else if (parsed.stream === true) {
        await delivery.stream(streamAnswer(answer, made, model), headers);
      } else {
        delivery.json(200, jsonAnswer(answer, made, model), headers);
      }
      return;
    }
    const requestId = `req_other${seq}`;
    const headers = providerHeaders(requestId, seq);
    switch (route) {
      case "POST /v1/messages":
        return delivery.json(400, errorAnswer(400, requestId).body, headers);
      case "POST /v1/messages/count_tokens":
        return delivery.json(200, { input_tokens: Math.ceil(body.length / 4) }, headers);
      case "GET /v1/models":
        return delivery.json(200, modelList(), headers);
      case "HEAD /":
      case "HEAD /api/hello":
        return delivery.empty(200, headers);
      default:
        return delivery.json(404, errorAnswer(404, requestId).body, headers);
    }
  }

  const server = createServer({ maxHeaderSize: 256 * 1024, requestTimeout: 0 }, (request, response) => {
    // A peer that breaks its upload off leaves nothing to answer.
    handle(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 65_000;
  server.on("connection", (socket) => connectionOf.set(socket, ++connections));
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: () => exchanges.slice(),
    setEncoding: (next) => {
      encoding = next;
    },
    reset: () => {
      exchanges = [];
      attempts = new Map();
      generations = 0;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function tryParse(request: IncomingMessage, body: Buffer): WireRequest | undefined {
  try {
    return parseRequest(decodeBody(body, headerOf(request.rawHeaders, "content-encoding")));
  } catch {
    return undefined;
  }
}

function modelList(): object {
  return {
    data: MODELS.map((id) => ({ type: "model", id, display_name: id, created_at: "2026-01-01T00:00:00Z" })),
    has_more: false,
    first_id: MODELS[0],
    last_id: MODELS.at(-1),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      seed: { type: "string", default: "testkit" },
      encoding: { type: "string", default: "identity" },
    },
  });
  const encoding = CODINGS.find((coding) => coding === values.encoding);
  if (encoding === undefined) throw new Error(`--encoding is one of ${CODINGS.join(", ")}`);
  const provider = await startFakeProvider({ port: Number(values.port), seed: values.seed, encoding });
  console.log(`fake provider on ${provider.url}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void provider.close().then(() => process.exit(0)));
  }
}
