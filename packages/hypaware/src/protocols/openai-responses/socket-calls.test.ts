import { expect, test } from "vitest";
import type { Json, SocketCall, SocketMessage } from "../../contract/plugin.ts";
import { splitResponsesSocket } from "./socket-calls.ts";

let now = 0;
const client = (body: object): SocketMessage => ({ side: "client", t_ms: ++now, text: JSON.stringify(body) });
const server = (event: object): SocketMessage => ({
  side: "server",
  t_ms: ++now,
  text: JSON.stringify(event),
});
const create = (body: object): SocketMessage => client({ type: "response.create", model: "m", ...body });
const user = (text: string): Json => ({ type: "message", id: `msg_${text}`, role: "user", content: text });
const said = (text: string): Json => ({
  type: "message",
  id: `msg_${text}`,
  role: "assistant",
  content: text,
});

function answer(id: string, ...output: Json[]): SocketMessage[] {
  return [
    server({ type: "response.created", response: { id } }),
    ...output.map((item) => server({ type: "response.output_item.done", item })),
    server({ type: "response.completed", response: { id, output, usage: { input_tokens: 1 } } }),
  ];
}

function calls(messages: readonly SocketMessage[]): {
  readonly ended: SocketCall[];
  readonly cut: readonly SocketCall[];
} {
  const splitter = splitResponsesSocket();
  return { ended: messages.flatMap((message) => splitter.push(message)), cut: splitter.end() };
}

const bodyOf = (call: SocketCall | undefined) =>
  JSON.parse(call?.request_body ?? "null") as { readonly [key: string]: Json };

test("each call has its own events, and its whole input along the responses that it goes on from", () => {
  const { ended, cut } = calls([
    create({ generate: false, input: [] }),
    ...answer("r0"),
    create({ previous_response_id: "r0", input: [user("a"), user("b")] }),
    ...answer("r1", said("c"), { type: "function_call", call_id: "call_1", name: "f", arguments: "{}" }),
    create({
      previous_response_id: "r1",
      input: [{ type: "function_call_output", call_id: "call_1", output: "ok" }],
    }),
    ...answer("r2", said("d")),
    // Not the last one: the client goes back.
    create({ previous_response_id: "r1", input: [user("e")] }),
    ...answer("r3"),
  ]);
  expect(cut).toEqual([]);
  expect(ended.map((call) => (bodyOf(call)["input"] as Json[]).length)).toEqual([0, 2, 5, 5]);
  expect(bodyOf(ended[2])["input"]).toEqual([
    user("a"),
    user("b"),
    said("c"),
    { type: "function_call", call_id: "call_1", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "call_1", output: "ok" },
  ]);
  expect(bodyOf(ended[0])).toEqual({ model: "m", generate: false, input: [] });
  expect(ended.map(({ events }) => events.map(({ event }) => event).join(" "))).toEqual([
    "response.created response.completed",
    "response.created response.output_item.done response.output_item.done response.completed",
    "response.created response.output_item.done response.completed",
    "response.created response.completed",
  ]);
  for (const { start_ms, end_ms, events, complete } of ended) {
    expect(complete).toBe(true);
    expect(start_ms).toBeLessThan(end_ms);
    expect(end_ms).toBe(events.at(-1)?.t_ms);
  }
});

test("an error ends its call, a connection that ends leaves the rest without an end", () => {
  const { ended, cut } = calls([
    create({ input: "hello" }),
    server({ error: { message: "no" }, type: "error", status: 429 }),
    create({ previous_response_id: "never seen", input: [user("a")] }),
    server({ type: "response.created", response: { id: "r1" } }),
    create({ input: [user("b")] }),
  ]);
  expect(ended).toHaveLength(1);
  expect(bodyOf(ended[0])["input"]).toEqual([{ type: "message", role: "user", content: "hello" }]);
  expect(ended[0]?.events.map(({ event }) => event)).toEqual(["error"]);
  expect(cut.map(({ complete, events }) => [complete, events.length])).toEqual([
    [false, 1],
    [false, 0],
  ]);
  expect(bodyOf(cut[0])).toMatchObject({ previous_response_id: "never seen", input: [user("a")] });
});

test("a response that failed is no history, and what is no call is passed over", () => {
  const { ended } = calls([
    server({ type: "codex.rate_limits" }),
    { side: "client", t_ms: 1, text: "not json" },
    client({ type: "ping" }),
    client([]),
    create({ input: [user("a")] }),
    server({ type: "response.created", response: { id: "r1" } }),
    server({ type: "response.failed", response: { id: "r1", error: { message: "no" } } }),
    create({ previous_response_id: "r1", input: [user("b")] }),
    ...answer("r2"),
  ]);
  expect(ended.map((call) => bodyOf(call)["input"])).toEqual([[user("a")], [user("b")]]);
});
