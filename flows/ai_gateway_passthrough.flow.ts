import assert from "node:assert/strict";
import { postMessage, responseText } from "@hypaware/testkit";
import { gatewayOnly, withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually } from "./lib/process.ts";

export const title = "without an adapter bytes pass, no row is made, and the exchange can be projected later";

export default async function aiGatewayPassthrough(ctx: FlowContext): Promise<void> {
  const provider = await ctx.fakeProvider();
  ctx.writeConfig(gatewayOnly(provider));
  const daemon = await ctx.startDaemon();
  const answer = await postMessage(daemon.url, "SAY:text through and through", {
    sessionId: "session-1",
    headers: { "x-hyp-dev-run-id": ctx.runId },
  });

  const [sent] = provider.requests();
  assert.ok(sent !== undefined && provider.requests().length === 1);
  assert.equal(sent.target, "/v1/messages?beta=true");
  assert.match(sent.body.toString(), /through and through/);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), responseText(sent), "the answer's bytes are the provider's");

  const exchanges = await ctx.sql(
    "SELECT decode_status, outcome, upstream, rows_written FROM ai_gateway_exchanges",
  );
  assert.deepEqual(exchanges, [
    { decode_status: "no_projector", outcome: "complete", upstream: "anthropic", rows_written: 0 },
  ]);
  assert.deepEqual(await ctx.sql("SELECT part_id FROM ai_gateway_messages"), []);

  const log = await eventually("aigw.exchange is logged", () => ctx.telemetry().logs("aigw.exchange")[0]);
  assert.equal(log.level, "info");
  const {
    upstream,
    path,
    status_code,
    request_bytes,
    response_bytes,
    is_sse,
    rows_written,
    dev_run_id,
    hyp_plugin,
  } = log.attributes;
  assert.deepEqual(
    {
      upstream,
      path,
      status_code,
      request_bytes,
      response_bytes,
      is_sse,
      rows_written,
      dev_run_id,
      hyp_plugin,
    },
    {
      upstream: "anthropic",
      path: "/v1/messages?beta=true",
      status_code: 200,
      request_bytes: sent.body.length,
      response_bytes: answer.body.length,
      is_sse: true,
      rows_written: 0,
      dev_run_id: ctx.runId,
      hyp_plugin: "@hypaware/ai-gateway",
    },
  );
  const telemetry = ctx.telemetry();
  const bytes = telemetry.metrics("aigw.exchange_bytes");
  assert.ok(bytes.length > 0 && bytes.every((point) => point.attributes["hyp_upstream"] === "anthropic"));
  assert.equal(
    bytes.reduce((sum, point) => sum + point.value, 0),
    sent.body.length + answer.body.length,
  );
  assert.deepEqual(telemetry.metrics("hyp_rows_written"), []);
  assert.deepEqual(
    telemetry.logs("aigw.message_projection_skipped").map((entry) => entry.attributes["reason"]),
    ["no_projector_match"],
  );
  const provided = telemetry
    .logs("cap.provide")
    .filter((entry) => entry.attributes["hyp_capability"] === "hypaware.ai-gateway");
  assert.ok(provided.length > 0 && provided.every((entry) => entry.attributes["version"] === "2.0.0"));
  assert.equal((await daemon.stop()).code, 0);

  ctx.writeConfig(withAdapters(provider));
  const reprojected = await ctx.hyp(["reproject", "--yes"]);
  assert.equal(reprojected.code, 0, reprojected.stderr);
  const rows = await ctx.sql("SELECT role, content_text FROM ai_gateway_messages ORDER BY message_index");
  assert.deepEqual(rows, [
    { role: "user", content_text: "SAY:text through and through" },
    { role: "assistant", content_text: "through and through" },
  ]);
}
