import { expect, test, vi } from "vitest";
import type { RouteInput, UpstreamPreset } from "../contract/plugin.ts";
import { buildRoutes, overlappingRoutes, type UpstreamConfig } from "./router.ts";

const input = (path: string, headers: RouteInput["headers"] = {}): RouteInput => ({
  method: "GET",
  path,
  headers,
});

function names(presets: readonly UpstreamPreset[], upstreams: readonly UpstreamConfig[] = []): string[] {
  return buildRoutes({ presets, upstreams }).routes.map(({ name }) => name);
}

const up = (name: string, more: Partial<UpstreamConfig> = {}): UpstreamConfig => ({
  name,
  base_url: "https://e.test",
  ...more,
});
const preset = (name: string, more: Partial<UpstreamPreset> = {}): UpstreamPreset => ({
  name,
  base_url: `https://${name}.test`,
  path_prefix: "/v1",
  ...more,
});

test("a higher priority is asked first, a missing one counts as 0 and stays missing", () => {
  const { routes } = buildRoutes({
    presets: [
      preset("missing"),
      preset("low", { priority: -1 }),
      preset("high", { priority: 5 }),
      preset("zero", { priority: 0 }),
    ],
    upstreams: [],
  });
  expect(routes.map(({ name }) => name)).toEqual(["high", "missing", "zero", "low"]);
  expect("priority" in routes[1]!).toBe(false);
  expect(routes[2]!.priority).toBe(0);
});

test("at equal priority a longer prefix is asked first, / after them, and no prefix last", () => {
  const match = () => false;
  const { path_prefix: _none, ...bare } = preset("none", { match });
  expect(
    names([
      bare,
      preset("root", { path_prefix: "/" }),
      preset("v1"),
      preset("v1-messages", { path_prefix: "/v1/messages" }),
    ]),
  ).toEqual(["v1-messages", "v1", "root", "none"]);
});

test("what is equal otherwise is asked in the order of registration, configuration first", () => {
  expect(
    names([preset("c"), preset("d")], [up("a", { path_prefix: "/v1" }), up("b", { path_prefix: "/v1" })]),
  ).toEqual(["a", "b", "c", "d"]);
});

test("a configured upstream overrides the preset of its name field by field", () => {
  const match = vi.fn(() => true);
  const { routes } = buildRoutes({
    presets: [preset("x", { match, provider: "px", priority: 7, path_prefix: "/p" })],
    upstreams: [{ name: "x", base_url: "https://corp.test/x/" }],
  });
  expect(routes).toHaveLength(1);
  expect(routes[0]).toMatchObject({
    name: "x",
    origin: "https://corp.test",
    basePath: "/x",
    provider: "px",
    priority: 7,
    path_prefix: "/p",
  });
  expect(routes[0]!.match?.(input("/"))).toBe(true);
  const other = buildRoutes({
    presets: [preset("x", { match, provider: "px" })],
    upstreams: [{ name: "x", provider: "mine", priority: 1 }],
  });
  expect(other.routes[0]).toMatchObject({
    base_url: "https://x.test",
    provider: "mine",
    priority: 1,
    path_prefix: "/v1",
  });
});

test("merging comes before validation: presets alone are a table, and a broken preset's base_url can be mended", () => {
  expect(names([preset("a")])).toEqual(["a"]);
  expect(names([preset("a", { base_url: "" })], [up("a")])).toEqual(["a"]);
});

test("a preset's match keeps its this", () => {
  class Preset implements UpstreamPreset {
    readonly name = "x";
    readonly base_url = "https://x.test";
    readonly wanted = "/mine";
    match(request: RouteInput): boolean {
      return request.path === this.wanted;
    }
  }
  const table = buildRoutes({ presets: [new Preset()], upstreams: [] });
  expect(table.route(input("/mine"))).toMatchObject({ route: { name: "x" }, reason: "match" });
});

test("the first match wins and the rest is not asked", () => {
  const second = vi.fn(() => true);
  const table = buildRoutes({
    presets: [preset("b", { match: second, priority: 1 }), preset("a", { match: () => true, priority: 2 })],
    upstreams: [],
  });
  expect(table.route(input("/x")).route?.name).toBe("a");
  expect(second).not.toHaveBeenCalled();
});

test("a match decides alone: its prefix only ranks, and only true is a yes", () => {
  const sloppy = (() => "yes") as unknown as () => boolean;
  const table = buildRoutes({
    presets: [
      preset("sloppy", { match: sloppy, path_prefix: "/v1/long" }),
      preset("no", { match: () => false }),
      preset("yes", { match: () => true, path_prefix: "/other" }),
    ],
    upstreams: [],
  });
  expect(table.route(input("/v1/long/x"))).toMatchObject({ route: { name: "yes" }, reason: "match" });
});

test("a match that throws is a no, and is reported", () => {
  const error = new Error("broken");
  const table = buildRoutes({
    presets: [
      preset("broken", {
        match: () => {
          throw error;
        },
        priority: 1,
      }),
      preset("fallback"),
    ],
    upstreams: [],
  });
  const onError = vi.fn();
  expect(table.route(input("/v1/x"), onError)).toMatchObject({
    route: { name: "fallback" },
    reason: "prefix:/v1",
  });
  expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name: "broken" }), error);
});

test.each([
  ["/v1", "/v1", true],
  ["/v1", "/v1/x", true],
  ["/v1", "/v1//", true],
  ["/v1", "/v1x", false],
  ["/v1", "/V1", false],
  ["/v1", "/", false],
  ["/v1/", "/v1", true],
  ["/v1/", "/v1/x", true],
  ["/", "/anything", true],
  ["/", "//", true],
])("prefix %s, path %s: %s", (path_prefix, path, matches) => {
  const table = buildRoutes({ presets: [], upstreams: [up("u", { path_prefix })] });
  expect(table.route(input(path)).route?.name).toBe(matches ? "u" : undefined);
});

test("a configured upstream without a prefix takes everything", () => {
  expect(buildRoutes({ presets: [], upstreams: [up("u")] }).route(input("/x"))).toMatchObject({
    reason: "prefix:/",
  });
});

test.each([
  [undefined, 'invalid base_url for upstream "u": it is missing'],
  ["", 'invalid base_url for upstream "u": it is missing'],
  ["e.test", 'invalid base_url for upstream "u": Invalid URL'],
  ["http://", 'invalid base_url for upstream "u": Invalid URL'],
  ["ftp://e.test", 'upstream "u" must use http:// or https://, got: ftp:'],
  ["file:///etc/passwd", 'upstream "u" must use http:// or https://, got: file:'],
  [
    "https://me:secret@e.test",
    'invalid base_url for upstream "u": it must not contain a user name or password',
  ],
  ["https://e.test/x?y=1", 'invalid base_url for upstream "u": it must not contain a query or a fragment'],
])("base_url %j is refused in words", (base_url, message) => {
  expect(() => buildRoutes({ presets: [], upstreams: [{ name: "u", base_url }] })).toThrow(
    `ai-gateway: ${message}`,
  );
});

test("an empty table is refused", () => {
  expect(() => buildRoutes({ presets: [], upstreams: [] })).toThrow(
    "ai-gateway: at least one upstream must be configured before start",
  );
});

test.each([
  "http://127.0.0.1:18521",
  "http://localhost:18521/v1",
  "http://localhost.:18521",
  "http://api.localhost:18521",
  "http://[::1]:18521",
  "http://[::ffff:127.0.0.1]:18521",
  "http://0.0.0.0:18521",
  "http://[::]:18521",
  "http://2130706433:18521",
  "http://0x7f000001:18521",
  "http://0177.0.0.1:18521",
  "http://127.1:18521",
  "https://127.0.0.1.:18521",
])("an upstream that is our own listener is refused: %s", (base_url) => {
  const build = () =>
    buildRoutes({
      presets: [],
      upstreams: [up("me", { base_url })],
      listen: { host: "127.0.0.1", port: 18_521 },
    });
  expect(build).toThrow(`ai-gateway: upstream "me" points at this gateway's own address: ${base_url}`);
});

test("an upstream on this machine with another port is no loop", () => {
  const listen = { host: "127.0.0.1", port: 18_521 };
  expect(
    buildRoutes({ presets: [], upstreams: [up("local", { base_url: "http://localhost:11434/v1" })], listen })
      .routes,
  ).toHaveLength(1);
});

// Every place in which the wrong company could be handed a key.
const SIGNED: readonly RouteInput["headers"][] = [
  { "x-a-key": ["k"] },
  { authorization: ["Bearer a-123"] },
  { "a-version": ["1"], authorization: ["Bearer whatever"] },
];
const A_PATHS = [
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/models",
  "/v1/files",
  "/v1",
  "/",
  "/api/hello",
  "/v1/complete",
  "//v1/messages",
];
const signedForA = ({ path, headers }: RouteInput): boolean =>
  path === "/v1/messages" ||
  path.startsWith("/v1/messages/") ||
  headers["x-a-key"] !== undefined ||
  headers["a-version"] !== undefined ||
  (headers["authorization"]?.some((value) => /^Bearer\s+a-/i.test(value)) ?? false);
const A: UpstreamPreset = {
  name: "a",
  base_url: "https://a.test",
  path_prefix: "/v1/messages",
  priority: 100,
  match: signedForA,
};
const O: UpstreamPreset = { name: "o", base_url: "https://o.test", path_prefix: "/v1" };

test.each([
  ["by default", []],
  ["with a configured base_url only", [{ name: "a", base_url: "https://corp.test/a" }]],
  [
    "with both configured",
    [
      { name: "o", base_url: "https://corp.test/o" },
      { name: "a", base_url: "https://corp.test/a" },
    ],
  ],
  ["with a configured prefix", [{ name: "a", base_url: "https://corp.test/a", path_prefix: "/v1/messages" }]],
])("no request that is signed for one provider goes to another, %s", (_name, upstreams) => {
  for (const presets of [
    [A, O],
    [O, A],
  ]) {
    const table = buildRoutes({ presets, upstreams });
    for (const headers of SIGNED) {
      for (const path of A_PATHS) expect(table.route(input(path, headers)).route?.name, path).toBe("a");
    }
    expect(table.route(input("/v1/responses", { authorization: ["Bearer o-1"] })).route?.name).toBe("o");
  }
});

test("routes of equal rank that want the same requests overlap; a higher rank, another prefix or another match do not", () => {
  const pairs = (...upstreams: (Omit<UpstreamPreset, "base_url"> & { base_url?: string })[]): string[] =>
    overlappingRoutes(
      buildRoutes({
        presets: upstreams.map((each) => ({ base_url: "http://a.test", ...each })),
        upstreams: [],
      }).routes,
    ).map(([first, second]) => `${first.name} ${second.name}`);
  const everything = (): boolean => true;
  expect(pairs({ name: "a", path_prefix: "/v1" }, { name: "b", path_prefix: "/v1" })).toEqual(["a b"]);
  expect(pairs({ name: "a", match: everything }, { name: "b", match: everything })).toEqual(["a b"]);
  expect(pairs({ name: "a", path_prefix: "/v1" }, { name: "b", path_prefix: "/v2" })).toEqual([]);
  expect(pairs({ name: "a", path_prefix: "/v1" }, { name: "b", path_prefix: "/v1", priority: 1 })).toEqual(
    [],
  );
  expect(
    pairs(
      { name: "a", path_prefix: "/v1", match: ({ path }) => path === "/v1" },
      { name: "b", path_prefix: "/v1", match: ({ path }) => path === "/v1/y" },
    ),
  ).toEqual([]);
});
