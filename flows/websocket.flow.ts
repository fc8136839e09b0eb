import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FlowContext } from "./lib/flow.ts";
import { startWebSocketUpstream } from "./lib/websocket-upstream.ts";

export const title =
  "a WebSocket is carried, recorded unmasked and scrubbed, and refused with 426 when it cannot be";

const SECRET = "sk-flow-0123456789abcdefghij";

export default async function websocket(ctx: FlowContext): Promise<void> {
  const upstream = await startWebSocketUpstream((text) => [text]);
  const upstreams = [{ name: "sockets", base_url: upstream.url, provider: "fake" }];
  const config = { listen: "127.0.0.1:0", upstreams };
  ctx.writeConfig({ version: 2, plugins: [{ name: "@hypaware/ai-gateway", config }] });
  let daemon = await ctx.startDaemon();
  try {
    const client = await open(daemon.port);
    const texts = ["hello", `is ${SECRET} mine?`, "ü".repeat(10_000)];
    for (const text of texts) assert.equal(await echoed(client, text), text);
    client.close(4001, "enough");
    const [closed] = (await once(client, "close")) as [CloseEvent];
    assert.deepEqual([closed.code, closed.reason, closed.wasClean], [4001, "enough", true]);
    assert.equal(upstream.upgrades[0]?.headers.authorization, `Bearer ${SECRET}`);

    const payloadBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + 2 + "enough".length;
    const [row, ...others] = await ctx.sql(
      `SELECT exchange_id, is_websocket, status_code, outcome, decode_status, upstream, path, method,
              request_bytes::INT AS sent, response_bytes::INT AS received, rows_written FROM ai_gateway_exchanges`,
    );
    assert.deepEqual(others, []);
    const { exchange_id: id, ...facts } = row ?? assert.fail("no exchange");
    assert.deepEqual(facts, {
      is_websocket: true,
      status_code: 101,
      outcome: "complete",
      decode_status: "no_projector",
      upstream: "sockets",
      path: "/v1/responses",
      method: "GET",
      // Heads: 2 bytes, 4 of length for the long one, 4 of key from the client.
      sent: payloadBytes + 4 * 6 + 2,
      received: payloadBytes + 4 * 2 + 2,
      rows_written: 0,
    });
    const raw = (await ctx.hyp(["show", String(id), "--raw"])).stdout;
    for (const text of ["hello", `is ${"*".repeat(SECRET.length)} mine?`, "ü".repeat(10_000), "enough"])
      assert.equal(raw.split(text).length, 3, `${text.slice(0, 20)} is recorded once of each side`);
    assert.ok(!journalText(ctx).includes(SECRET), "the credential is in no journal");

    const cut = await open(daemon.port);
    assert.equal(await echoed(cut, "cut short"), "cut short");
    await sleep(250);
    daemon.process.signal("SIGKILL");
    await daemon.process.exited;
    const [interrupted] = await ctx.sql(
      `SELECT outcome, is_websocket, request_bytes::INT AS sent FROM ai_gateway_exchanges WHERE outcome <> 'complete'`,
    );
    assert.deepEqual(interrupted, {
      outcome: "interrupted",
      is_websocket: true,
      sent: "cut short".length + 6,
    });
  } finally {
    await upstream.close();
  }

  daemon = await ctx.startDaemon();
  const answer = await refused(daemon.port);
  assert.equal(answer.statusCode, 426);
  const [refusal] = await ctx.sql(
    `SELECT outcome, is_websocket FROM ai_gateway_exchanges WHERE status_code = 426`,
  );
  assert.deepEqual(refusal, { outcome: "upstream_refused", is_websocket: false });
  assert.equal((await daemon.stop()).code, 0);
}

async function open(port: number): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}/v1/responses`, {
    headers: { authorization: `Bearer ${SECRET}` },
  });
  await once(client, "open");
  return client;
}

async function echoed(client: WebSocket, text: string): Promise<unknown> {
  const answer = once(client, "message");
  client.send(text);
  const [{ data }] = (await answer) as [MessageEvent];
  return data;
}

/** The answer to an upgrade that is none. */
async function refused(port: number): Promise<IncomingMessage> {
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  };
  const sent = request({ host: "127.0.0.1", port, path: "/v1/responses", headers });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  return response;
}

function journalText(ctx: FlowContext): string {
  const root = join(ctx.state, "journal");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".journal"))
    .map((name) => readFileSync(join(root, name), "latin1"))
    .join();
}
