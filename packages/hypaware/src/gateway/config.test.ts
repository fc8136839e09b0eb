import { describe, expect, test } from "vitest";
import type { JsonObject } from "../contract/projection.ts";
import { DEFAULT_GATEWAY_CONFIG } from "./config-defaults.ts";
import { baseUrlProblem, parseGatewayConfig } from "./config.ts";
import { missingUpstreams } from "./missing-upstreams.ts";

const messages = (section: JsonObject): string[] =>
  parseGatewayConfig(section).findings.map(({ pointer, message }) => `${pointer}: ${message}`);

test("an empty section is the default", () => {
  expect(parseGatewayConfig({})).toEqual({ config: DEFAULT_GATEWAY_CONFIG, findings: [] });
});

test("a whole section is read, names of headers and hosts in lower case", () => {
  const { config, findings } = parseGatewayConfig({
    listen: "[::1]:0",
    gateway_id: "desk",
    upstreams: [
      { name: "a", base_url: "https://a.test/base", path_prefix: "/a", provider: "p", priority: 200 },
      { name: "b", base_url: "http://127.0.0.1:1234" },
    ],
    redact_headers: ["X-Company-Token"],
    allowed_hosts: ["Box.local:18521"],
    require_key: true,
    durability: "strict",
    journal_segment_bytes: 65_536,
    drain_ms: 60_000,
  });
  expect(findings).toEqual([]);
  expect(config).toEqual({
    listen: { host: "::1", port: 0 },
    gatewayId: "desk",
    upstreams: [
      { name: "a", base_url: "https://a.test/base", path_prefix: "/a", provider: "p", priority: 200 },
      { name: "b", base_url: "http://127.0.0.1:1234" },
    ],
    redactHeaders: ["x-company-token"],
    allowedHosts: ["box.local:18521"],
    requireKey: true,
    durability: "strict",
    journalSegmentBytes: 65_536,
    drainMs: 60_000,
  });
});

test("nothing wrong is dropped silently, and with an error the default stands in", () => {
  const section = {
    listn: "127.0.0.1:1",
    gateway_id: "",
    upstreams: [
      { name: "a" },
      { base_url: "https://x.test" },
      { name: "c", base_url: "https://x.test", baseurl: 1 },
    ],
    redact_headers: ["not a header"],
    require_key: "yes",
  };
  expect(messages(section).toSorted()).toEqual([
    "/gateway_id: must not be empty",
    '/listn: unknown key "listn". Did you mean "listen"?',
    "/redact_headers/0: expected a header name",
    "/require_key: expected boolean, received string",
    "/upstreams/0/base_url: expected string, received undefined",
    "/upstreams/1/name: expected string, received undefined",
    '/upstreams/2/baseurl: unknown key "baseurl". Did you mean "base_url"?',
  ]);
  expect(parseGatewayConfig(section).config).toBe(DEFAULT_GATEWAY_CONFIG);
});

test("one name twice and an unusable base_url are errors", () => {
  const upstreams = [
    { name: "a", base_url: "ftp://x.test" },
    { name: "a", base_url: "https://x.test" },
  ];
  expect(messages({ upstreams })).toEqual([
    '/upstreams/0/base_url: ai-gateway: upstream "a" must use http:// or https://, got: ftp:',
    '/upstreams/1/name: upstream "a" is listed twice',
  ]);
});

describe("listen", () => {
  test.each([
    ["", "ai-gateway: invalid listen address: "],
    ["localhost", "ai-gateway: invalid listen address (missing port): localhost"],
    ["127.0.0.1:", "ai-gateway: invalid port in listen address: 127.0.0.1:"],
    ["127.0.0.1:080", "ai-gateway: invalid port in listen address: 127.0.0.1:080"],
    ["127.0.0.1:65536", "ai-gateway: invalid port in listen address: 127.0.0.1:65536"],
    ["127.0.0.1:1e3", "ai-gateway: invalid port in listen address: 127.0.0.1:1e3"],
    [":8080", "ai-gateway: invalid listen address (missing host): :8080"],
    ["[]:8080", "ai-gateway: invalid listen address (missing host): []:8080"],
    ["::1:8080", "ai-gateway: invalid listen address: ::1:8080"],
    ["[127.0.0.1]:80", "ai-gateway: invalid listen address: [127.0.0.1]:80"],
    ["http://127.0.0.1:80", "ai-gateway: invalid listen address: http://127.0.0.1:80"],
  ])("%j is refused with its text", (listen, text) => {
    expect(messages({ listen })).toEqual([`/listen: ${text}`]);
  });

  test.each(["0.0.0.0:1", "[::]:1", "192.168.1.5:1", "mybox:1", "127.evil.test:1", "[::ffff:10.0.0.1]:1"])(
    "%s is refused without require_key, and taken with it",
    (listen) => {
      expect(messages({ listen })).toEqual([
        `/listen: ai-gateway: ${listen} can be reached from other machines: set "require_key": true, or listen on 127.0.0.1`,
      ]);
      expect(messages({ listen, require_key: true })).toEqual([]);
    },
  );

  test.each(["127.0.0.1:65535", "127.0.0.9:1", "localhost:1", "[::1]:1", "[::ffff:127.0.0.1]:1"])(
    "%s is only this machine",
    (listen) => {
      expect(messages({ listen })).toEqual([]);
    },
  );
});

test.each([
  ["https://api.test", undefined],
  ["http://[::1]:8/base/", undefined],
  ["api.test/v1", 'ai-gateway: invalid base_url for upstream "u": Invalid URL'],
  ["file:///etc/passwd", 'ai-gateway: upstream "u" must use http:// or https://, got: file:'],
  [
    "https://me:pw@api.test",
    'ai-gateway: invalid base_url for upstream "u": it must not carry a user or password',
  ],
  [
    "https://api.test/?key=1",
    'ai-gateway: invalid base_url for upstream "u": it must not have a query or fragment',
  ],
])("base_url %s gives %j", (base_url, problem) => {
  expect(baseUrlProblem({ name: "u", base_url })).toBe(problem);
});

test("a client whose upstream neither the config nor a preset brings is advice", () => {
  const clients = [
    { name: "one", defaultUpstream: "main" },
    { name: "two", defaultUpstream: "gone" },
  ];
  expect(missingUpstreams(clients, [{ name: "main" }])).toEqual([
    {
      severity: "warning",
      kind: "gateway_missing_gone_upstream",
      pointer: "",
      message: 'client "two" needs upstream "gone", which is neither configured nor brought by a plugin',
    },
  ]);
});
