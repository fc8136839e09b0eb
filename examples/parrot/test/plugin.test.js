import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { activate } from "../index.js";
import { client } from "../client.js";
import { preset } from "../preset.js";
import { projector } from "../projector.js";

const manifest = JSON.parse(readFileSync(new URL("../hypaware.plugin.json", import.meta.url), "utf8"));

test("registers what the manifest says", () => {
  const registered = { upstreams: [], projectors: [], clients: [] };
  const gateway = {
    registerUpstreamPreset: ({ name }) => registered.upstreams.push(name),
    registerExchangeProjector: ({ name }) => registered.projectors.push(name),
    registerClient: ({ name }) => registered.clients.push(name),
  };
  activate({ env: {}, requireCapability: () => gateway });
  assert.deepEqual(registered, manifest.contributes);
});

test("the program is started with the gateway's address", () => {
  const { args, env } = client({}).launch({ endpoint: "http://127.0.0.1:18521", args: ["--fast"] });
  assert.deepEqual(args, ["--fast"]);
  assert.ok(Object.values(env).includes("http://127.0.0.1:18521"));
});

test("what the upstream gets is what the projector reads", () => {
  assert.ok(projector.match({ method: "POST", path: `${preset.path_prefix}/chat?now=1` }));
  assert.ok(!projector.match({ method: "POST", path: "/v1/chat" }));
  assert.ok(!projector.match({ method: null, path: null }));
});
