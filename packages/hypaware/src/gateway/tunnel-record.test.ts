import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../contract/limits.ts";
import { ended, endOf, payloads, recorded } from "./fixtures/recorded-tunnel.ts";
import { type RawServer, type Rig, startRig } from "./fixtures/rig.ts";
import { echo, webSocketClient, webSocketServer } from "./fixtures/websocket.ts";

let rig: Rig;
let upstream: RawServer;

afterEach(async () => {
  await rig.stop({ drainMs: 0 });
  await upstream.close();
});

test("a full journal drops copies, not bytes, and says how many", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  rig.sink.refusing = true;
  const payload = Buffer.alloc(4 * LIMITS.tapChunkBytes, "z");
  client.send(payload);
  expect((await client.frame()).payload.equals(payload)).toBe(true);
  client.close(1000);
  await client.closed();
  await ended(rig);
  expect(rig.sink.of("ws-bytes")).toEqual([]);
  const { requestBytes, responseBytes } = endOf(rig);
  expect(rig.sink.of("gap")).toMatchObject([
    { direction: "request", droppedBytes: requestBytes },
    { direction: "response", droppedBytes: responseBytes },
  ]);
  expect(endOf(rig).outcome).toBe("truncated");
});

test("behind a gap the journal has whole frames again", async () => {
  upstream = await webSocketServer(echo);
  rig = await startRig(upstream.url);
  const client = await webSocketClient(rig.port);
  rig.sink.refusing = true;
  client.send(Buffer.alloc(LIMITS.tapChunkBytes + 1_000, "z"));
  await client.frame();
  rig.sink.refusing = false;
  client.send("after the stall");
  await client.frame();
  client.close(1000);
  await client.closed();
  await ended(rig);
  for (const side of ["client", "server"] as const) {
    const frames = rig.sink.of("ws-bytes").filter((one) => one.side === side);
    const kept = Buffer.concat(frames.map(({ bytes }) => bytes));
    expect(payloads(kept)[0]).toBe("after the stall");
    const total = side === "client" ? endOf(rig).requestBytes : endOf(rig).responseBytes;
    expect(frames[0]!.offset + kept.length).toBe(total);
  }
});

test("a session of an agent: prewarm, turn, events, tool result, close; no credential is recorded, masked or not", async () => {
  const secret = "sk-proj-0123456789abcdefghijkl";
  const turns = [
    { type: "response.create", generate: false, input: [] },
    {
      type: "response.create",
      previous_response_id: "resp_0",
      input: [{ role: "user", content: `is ${secret} mine?` }],
    },
    { type: "response.create", previous_response_id: "resp_1", input: [{ type: "custom_tool_call_output" }] },
  ].map((turn) => JSON.stringify(turn));
  const eventsOf = (turn: number) =>
    ["response.created", "response.output_text.delta", "response.completed"].map((type) =>
      JSON.stringify({ type, response: { id: `resp_${turn}` }, delta: turn === 1 ? `yes, ${secret}` : "" }),
    );
  upstream = await webSocketServer(async (wsEnd) => {
    for (const [turn, text] of turns.entries()) {
      if ((await wsEnd.text()) !== text) wsEnd.socket.resetAndDestroy();
      for (const event of eventsOf(turn)) wsEnd.send(event);
    }
    await echo(wsEnd);
  });
  rig = await startRig(upstream.url);
  const client = await webSocketClient(
    rig.port,
    undefined,
    `authorization: Bearer ${secret}\r\nopenai-beta: responses_websockets=2026-02-06\r\n`,
  );
  for (const [turn, text] of turns.entries()) {
    client.send(text);
    for (const event of eventsOf(turn)) expect(await client.text()).toBe(event);
  }
  client.close(1000);
  await client.closed();
  client.socket.end();
  await ended(rig);
  const scrub = (text: string) => text.replaceAll(secret, "*".repeat(secret.length));
  expect(payloads(recorded(rig, "client")).slice(0, -1)).toEqual(turns.map(scrub));
  expect(payloads(recorded(rig, "server")).slice(0, -1)).toEqual(
    turns.flatMap((_text, turn) => eventsOf(turn)).map(scrub),
  );
  expect(rig.sink.of("ws-bytes").flatMap(({ masked }) => masked)).toHaveLength(4);
  expect(endOf(rig)).toMatchObject({ outcome: "complete" });
});
