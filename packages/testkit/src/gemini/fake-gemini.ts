import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Directive, directiveOf, numberArg } from "../directive.ts";
import { type Generation, generation } from "../generation.ts";
import { decodeBody, type WireBlock, type WireMessage } from "../wire-request.ts";
import { headerOf } from "../recording.ts";

// Google's Gemini API on loopback, as much of it as its command line client uses: `generateContent`, as a whole and streamed. Scripted by
// the prompt (directive.ts), with an account of every call.

export interface GeminiCall {
  /** Request target as it came. */
  readonly target: string;
  readonly body: GenerateRequest;
  readonly status: number;
  /** Of an answer that came to its end. */
  readonly answer?: GeminiAnswer;
}

export interface GeminiAnswer {
  readonly responseId: string;
  readonly usage: GeminiUsage;
}

export interface GeminiUsage {
  readonly promptTokenCount: number;
  readonly cachedContentTokenCount: number;
  readonly candidatesTokenCount: number;
  readonly thoughtsTokenCount: number;
  readonly totalTokenCount: number;
}

interface Part {
  readonly text?: string;
  readonly functionCall?: object;
  readonly functionResponse?: object;
}

export interface GenerateRequest {
  readonly contents?: readonly { readonly role?: string; readonly parts?: readonly Part[] }[];
  readonly generationConfig?: { readonly responseJsonSchema?: object };
}

export interface FakeGemini {
  readonly url: string;
  /** Oldest first. */
  calls(): readonly GeminiCall[];
  close(): Promise<void>;
}

interface Reply {
  readonly text: string;
  readonly commands: readonly string[];
}

export async function startFakeGemini({ seed = "testkit" } = {}): Promise<FakeGemini> {
  const calls: GeminiCall[] = [];
  const attempts = new Map<string, number>();
  let generations = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const target = request.url ?? "";
    const [, model, verb] = /\/models\/([^:/]+):(\w+)/.exec(target) ?? [];
    if (request.method !== "POST" || model === undefined) return json(response, 404, failure(404));
    const bytes = decodeBody(Buffer.concat(pieces), headerOf(request.rawHeaders, "content-encoding"));
    const body = JSON.parse(bytes.toString("utf8")) as GenerateRequest;
    if (verb === "countTokens") return json(response, 200, { totalTokens: 100 });
    const made = generation(seed, ++generations);
    const about = { target, body };
    const isChoice = body.generationConfig?.responseJsonSchema !== undefined;
    const directive = isChoice ? undefined : directiveOf((body.contents ?? []).map(messageOf));
    const failing = directive === undefined ? undefined : failureOf(directive, attempts);
    if (failing?.status !== undefined) {
      calls.push({ ...about, status: failing.status });
      return json(response, failing.status, failure(failing.status));
    }
    const reply = isChoice ? choice() : replyTo(directive);
    const answer: GeminiAnswer = { responseId: made.requestId, usage: usageOf(made) };
    const isWhole = verb === "streamGenerateContent" ? await streamed() : whole();
    calls.push({ ...about, status: 200, ...(isWhole ? { answer } : {}) });

    function piece(parts: readonly object[], usage: object, finishReason?: string): object {
      const candidate = {
        content: { role: "model", parts },
        index: 0,
        ...(finishReason && { finishReason }),
      };
      return {
        candidates: [candidate],
        usageMetadata: usage,
        modelVersion: model,
        responseId: answer.responseId,
      };
    }

    function whole(): boolean {
      json(response, 200, piece([{ text: reply.text }], answer.usage, "STOP"));
      return true;
    }

    /** Unless the client is gone before. */
    async function takesTime(ms: number): Promise<void> {
      const gone = new AbortController();
      response.once("close", () => gone.abort());
      await sleep(ms, undefined, { signal: gone.signal }).catch(() => {});
    }

    async function streamed(): Promise<boolean> {
      const { promptTokenCount } = answer.usage;
      const sofar = { promptTokenCount, totalTokenCount: promptTokenCount };
      response.writeHead(200, { "content-type": "text/event-stream" });
      const send = (value: object): void => void response.write(`data: ${JSON.stringify(value)}\r\n\r\n`);
      send(piece([{ text: `**Thinking ${made.n}** as one does.`, thought: true }], sofar));
      const half = Math.ceil(reply.text.length / 2);
      send(piece([{ text: reply.text.slice(0, half) }], sofar));
      if (directive?.verb === "slow") await takesTime(numberArg(directive.args, 0, 1_000));
      if (failing?.isCut === true) {
        await sleep(50);
        response.destroy();
        return false;
      }
      send(piece([{ text: reply.text.slice(half) }], sofar));
      const last = reply.commands.map((command) => ({
        functionCall: { name: "run_shell_command", args: { command } },
      }));
      send(piece(last.length === 0 ? [{ text: "" }] : last, answer.usage, "STOP"));
      response.end();
      return !response.destroyed;
    }
  }

  const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls.slice(),
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** As usage has them elsewhere (generation.ts): what comes from the cache is a part of the prompt, thoughts are none of the answer. */
function usageOf({ n, usage }: Generation): GeminiUsage {
  const prompt = usage.input_tokens + usage.cache_read_input_tokens;
  const counts = {
    promptTokenCount: prompt,
    cachedContentTokenCount: usage.cache_read_input_tokens,
    candidatesTokenCount: usage.output_tokens,
    thoughtsTokenCount: 5 + n,
  };
  return { ...counts, totalTokenCount: prompt + counts.candidatesTokenCount + counts.thoughtsTokenCount };
}

/** The first times that a prompt fails. */
function failureOf(
  { verb, args }: Directive,
  attempts: Map<string, number>,
): { readonly status?: number; readonly isCut?: boolean } | undefined {
  if (verb !== "status" && verb !== "cut") return undefined;
  const key = `${verb} ${args}`;
  const served = attempts.get(key) ?? 0;
  attempts.set(key, served + 1);
  if (served >= numberArg(args, verb === "status" ? 1 : 0, 1)) return undefined;
  return verb === "cut" ? { isCut: true } : { status: numberArg(args, 0, 503) };
}

function replyTo(directive: Directive | undefined): Reply {
  const say = (text: string, ...commands: string[]): Reply => ({ text, commands });
  const { verb, args, toolResults } = directive ?? {
    verb: "text",
    args: "Nothing was asked for.",
    toolResults: 0,
  };
  switch (verb) {
    case "bash":
      return toolResults === 0 ? say("I will run it.", args) : say("It ran.");
    case "parallel":
      return toolResults === 0 ? say("I will run both.", `${args} 1`, `${args} 2`) : say("Both ran.");
    case "status":
      return say("It works again.");
    case "cut":
    case "slow":
      return say("An answer of two halves.");
    default:
      return say(args === "" ? "Nothing." : args);
  }
}

/** Which model a prompt needs, in words that a schema for it allows. */
const choice = (): Reply => ({
  text: JSON.stringify({ complexity_reasoning: "It is simple.", complexity_score: 10 }),
  commands: [],
});

function messageOf({ role, parts = [] }: NonNullable<GenerateRequest["contents"]>[number]): WireMessage {
  const content = parts.map(({ text, functionResponse: result }): WireBlock =>
    result === undefined ? { type: "text", text: text ?? "" } : { type: "tool_result" },
  );
  return { role: role === "model" ? "assistant" : "user", content };
}

function failure(code: number): object {
  const statuses: Record<number, string> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
  };
  return { error: { code, message: "As it was asked for.", status: statuses[code] ?? "INTERNAL" } };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
