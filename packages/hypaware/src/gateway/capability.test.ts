import { describe, expect, test } from "vitest";
import type { AiGateway, ClientRegistration, ExchangeProjector, UpstreamPreset } from "../contract/plugin.ts";
import { createAiGateway } from "./capability.ts";

const preset = (name: string, more: Partial<UpstreamPreset> = {}): UpstreamPreset => ({
  name,
  base_url: "https://api.example.test",
  path_prefix: "/v1",
  ...more,
});
const client = (name: string): ClientRegistration => ({
  name,
  defaultUpstream: "main",
  attach: () => 0,
  detach: () => 0,
});
const projector = (name: string, priority?: number): ExchangeProjector => ({
  name,
  ...(priority !== undefined && { priority }),
  match: () => true,
  project: () => undefined,
});

/** What the plugin `plugin` gets, and how to end it. */
function consumer(plugin: string) {
  const undos: (() => void | Promise<void>)[] = [];
  return {
    plugin,
    onDispose: (undo: () => void | Promise<void>) => void undos.push(undo),
    end: () => undos.toReversed().forEach((undo) => void undo()),
  };
}

const registry = (endpoint?: { host: string; port: number }) => createAiGateway({ endpoint: () => endpoint });

describe("capability hypaware.ai-gateway 2.0.0", () => {
  test("has exactly six methods", () => {
    expect(Object.keys(registry().capability).toSorted()).toEqual([
      "getClient",
      "listClients",
      "localEndpoint",
      "registerClient",
      "registerExchangeProjector",
      "registerUpstreamPreset",
    ]);
  });

  const REFUSALS: [keyof AiGateway, unknown, string][] = [
    ["registerUpstreamPreset", undefined, "registerUpstreamPreset: name is required"],
    ["registerUpstreamPreset", { name: "" }, "registerUpstreamPreset: name is required"],
    ["registerUpstreamPreset", { name: "p" }, "registerUpstreamPreset 'p': base_url is required"],
    [
      "registerUpstreamPreset",
      { name: "p", base_url: "https://x.test" },
      "registerUpstreamPreset 'p': either match() or path_prefix is required",
    ],
    [
      "registerUpstreamPreset",
      { name: "p", base_url: "https://x.test", path_prefix: "", match: true },
      "registerUpstreamPreset 'p': either match() or path_prefix is required",
    ],
    ["registerClient", null, "registerClient: name is required"],
    ["registerClient", { name: 7 }, "registerClient: name is required"],
    ["registerClient", { name: "c" }, "registerClient 'c': defaultUpstream is required"],
    [
      "registerClient",
      { name: "c", defaultUpstream: "u", attach() {} },
      "registerClient 'c': attach()/detach() are required",
    ],
    ["registerExchangeProjector", {}, "registerExchangeProjector: name is required"],
    ["registerExchangeProjector", { name: "j" }, "registerExchangeProjector 'j': match() is required"],
    [
      "registerExchangeProjector",
      { name: "j", match() {} },
      "registerExchangeProjector 'j': project() is required",
    ],
    [
      "registerExchangeProjector",
      { name: "j", match() {}, project() {}, split: 1 },
      "registerExchangeProjector 'j': split must be a function",
    ],
  ];
  test.each(REFUSALS)("%s refuses %j with its text", (method, argument, text) => {
    const all = registry();
    const call = all.capability[method] as (argument: unknown) => void;
    expect(() => call(argument)).toThrow(new TypeError(text));
    expect([...all.presets(), ...all.clients(), ...all.projectors()]).toEqual([]);
  });

  test("a preset may have match() without a prefix, and registrations return nothing", () => {
    const { capability } = registry();
    const { path_prefix: _, ...bare } = preset("m", { match: () => true });
    expect(capability.registerUpstreamPreset(bare)).toBeUndefined();
    expect(capability.registerClient(client("c"))).toBeUndefined();
    expect(capability.registerExchangeProjector(projector("j"))).toBeUndefined();
  });

  test("presets are kept by reference and in order; a name again replaces in its place", () => {
    const all = registry();
    const [first, second, again] = [preset("a"), preset("b"), preset("a", { priority: 5 })];
    all.capability.registerUpstreamPreset(first);
    all.capability.registerUpstreamPreset(second);
    all.capability.registerUpstreamPreset(again);
    expect(all.presets()).toEqual([again, second]);
    expect(all.presets()[0]).toBe(again);
  });

  test("getClient and listClients give what was registered, in order, the last of a name", () => {
    const { capability } = registry();
    const [one, two, other] = [client("one"), client("two"), client("one")];
    capability.registerClient(one);
    capability.registerClient(two);
    expect(capability.listClients()).toEqual([one, two]);
    expect(capability.getClient("one")).toBe(one);
    expect(capability.getClient("toString")).toBeUndefined();
    capability.registerClient(other);
    expect(capability.listClients()[0]).toBe(other);
  });

  test("projectors keep the order of registration as tie-break, a missing priority stays missing, equal names stay two", () => {
    const all = registry();
    all.capability.registerExchangeProjector(projector("same"));
    all.capability.registerExchangeProjector(projector("same", 0));
    all.capability.registerExchangeProjector(projector("other", -5));
    const [first, second, third] = all.projectors();
    expect(all.projectors().map(({ name }) => name)).toEqual(["same", "same", "other"]);
    expect(first).not.toHaveProperty("priority");
    expect(first).not.toHaveProperty("split");
    expect(second?.priority).toBe(0);
    expect(third?.priority).toBe(-5);
    expect([first, second, third].map((one) => one?.order)).toEqual([0, 1, 2]);
  });

  test("a projector may be an object of a class: its methods keep their this", () => {
    class Mine implements ExchangeProjector {
      readonly name = "mine";
      readonly answer = true;
      match(): boolean {
        return this.answer;
      }
      project(): undefined {
        expect(this.answer).toBe(true);
      }
      split(): undefined {
        expect(this.answer).toBe(true);
      }
    }
    const all = registry();
    all.capability.registerExchangeProjector(new Mine());
    expect(all.projectors()[0]?.match({} as never)).toBe(true);
    void all.projectors()[0]?.project({} as never, {} as never);
    all.projectors()[0]?.split?.({} as never);
    expect.assertions(3);
  });

  test("a plugin's registrations go with it, and uncover those of the same name", () => {
    const all = registry();
    const [base, over] = [consumer("base"), consumer("over")];
    const mine = preset("a");
    all.viewFor(base).registerUpstreamPreset(mine);
    all.viewFor(base).registerUpstreamPreset(preset("b"));
    all.viewFor(base).registerExchangeProjector(projector("j"));
    const view = all.viewFor(over);
    view.registerUpstreamPreset(preset("a", { priority: 9 }));
    view.registerClient(client("c"));
    view.registerExchangeProjector(projector("k"));
    over.end();
    expect(all.presets().map(({ name }) => name)).toEqual(["a", "b"]);
    expect(all.presets()[0]).toBe(mine);
    expect(all.clients()).toEqual([]);
    expect(all.projectors().map(({ name }) => name)).toEqual(["j"]);
    all.viewFor(base).registerExchangeProjector(projector("late"));
    expect(all.projectors().map(({ order }) => order)).toEqual([0, 2]);
    base.end();
    expect([...all.presets(), ...all.projectors()]).toEqual([]);
  });

  test("localEndpoint throws before the gateway started, and is never cached", () => {
    let address: { host: string; port: number } | undefined;
    const { capability } = createAiGateway({ endpoint: () => address });
    expect(() => capability.localEndpoint()).toThrow(
      "ai-gateway: localEndpoint() called before the gateway started",
    );
    address = { host: "127.0.0.1", port: 18_521 };
    expect(capability.localEndpoint()).toBe("http://127.0.0.1:18521");
    address = { host: "127.0.0.1", port: 4000 };
    expect(capability.localEndpoint({ upstream: "ignored" })).toBe("http://127.0.0.1:4000");
  });

  test.each([
    ["127.0.0.1", undefined, "http://127.0.0.1:1"],
    ["127.0.0.1", "", "http://127.0.0.1:1"],
    ["127.0.0.1", "v1", "http://127.0.0.1:1/v1"],
    ["127.0.0.1", "/v1", "http://127.0.0.1:1/v1"],
    ["localhost", "///v1/x", "http://localhost:1/v1/x"],
    ["::1", "/v1", "http://[::1]:1/v1"],
    ["0.0.0.0", undefined, "http://127.0.0.1:1"],
    ["::", undefined, "http://[::1]:1"],
  ])("localEndpoint on %s with prefix %j is %s", (host, pathPrefix, url) => {
    const { capability } = registry({ host, port: 1 });
    expect(capability.localEndpoint(pathPrefix === undefined ? {} : { pathPrefix })).toBe(url);
  });
});

test("who sends another plugin's upstream elsewhere is told; who registers the same is not", () => {
  const all = registry();
  const [shipped, twin, taker] = [consumer("shipped"), consumer("twin"), consumer("taker")];
  all.viewFor(shipped).registerUpstreamPreset(preset("a"));
  all.viewFor(twin).registerUpstreamPreset(preset("a"));
  all.viewFor(shipped).registerUpstreamPreset(preset("b", { base_url: "https://one.example" }));
  all.viewFor(shipped).registerUpstreamPreset(preset("b", { base_url: "https://two.example" }));
  expect(all.takenOver()).toEqual([]);
  const mine = preset("a", { base_url: "https://elsewhere.example" });
  all.viewFor(taker).registerUpstreamPreset(mine);
  expect(all.takenOver().map(({ by, from }) => [all.pluginOf(by), all.pluginOf(from)])).toEqual([
    ["taker", "shipped"],
    ["taker", "twin"],
  ]);
  taker.end();
  expect(all.takenOver()).toEqual([]);
});
