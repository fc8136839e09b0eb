import { describe, expect, test } from "vitest";
import type { Manifest } from "./manifest.ts";
import { resolveOrder } from "./order.ts";
import { manifestOf } from "./plugin-folder.testkit.ts";

const RULES = { disambiguate: {}, configPath: "/home/me/.hyp/hypaware-config.json" };

interface Wants {
  readonly plugins?: Record<string, string>;
  readonly capabilities?: Record<string, string>;
  readonly provides?: Record<string, string>;
  readonly version?: string;
}

const plugin = (name: string, { plugins, capabilities, provides, version }: Wants = {}): Manifest =>
  manifestOf(name, {
    requires: { plugins, capabilities },
    provides: { capabilities: provides },
    ...(version !== undefined && { version }),
  }) as unknown as Manifest;

describe("the order of activation", () => {
  test("puts providers of capabilities first, though their names sort later", () => {
    const { order, unsatisfied } = resolveOrder(
      [
        plugin("@acme/client", { capabilities: { "hypaware.ai-gateway": "^2.0.0" } }),
        plugin("@hypaware/ai-gateway", { provides: { "hypaware.ai-gateway": "2.0.0" } }),
      ],
      RULES,
    );
    expect(order).toEqual(["@hypaware/ai-gateway", "@acme/client"]);
    expect(unsatisfied).toEqual([]);
  });

  test("puts required plugins first and breaks ties by name, whatever the order of the list", () => {
    const manifests = [
      plugin("d"),
      plugin("a", { plugins: { z: "*" } }),
      plugin("z"),
      plugin("c"),
      plugin("b", { plugins: { a: "^1.0.0" } }),
    ];
    const expected = ["c", "d", "z", "a", "b"];
    expect(resolveOrder(manifests, RULES).order).toEqual(expected);
    expect(resolveOrder(manifests.toReversed(), RULES).order).toEqual(expected);
  });

  test("leaves out a plugin that needs an absent one, then who needs that one, and runs the rest", () => {
    const { order, unsatisfied } = resolveOrder(
      [plugin("a", { plugins: { b: "*" } }), plugin("b", { plugins: { gone: "^1.0.0" } }), plugin("free")],
      RULES,
    );
    expect(order).toEqual(["free"]);
    expect(unsatisfied).toEqual([
      {
        plugin: "b",
        errorKind: "plugin_missing",
        detail:
          'Plugin "b" needs plugin "gone" ^1.0.0, which is not enabled. Enable it, or remove "b" from "plugins" in /home/me/.hyp/hypaware-config.json.',
      },
      {
        plugin: "a",
        errorKind: "plugin_missing",
        detail:
          'Plugin "a" needs plugin "b" *, which cannot run itself. Mend that, or remove "a" from "plugins" in /home/me/.hyp/hypaware-config.json.',
      },
    ]);
  });

  test("names the version that is there when a required plugin has another", () => {
    const { unsatisfied } = resolveOrder(
      [plugin("a", { plugins: { b: "^2.0.0" } }), plugin("b", { version: "1.4.0" })],
      RULES,
    );
    expect(unsatisfied).toMatchObject([{ plugin: "a", errorKind: "plugin_missing" }]);
    expect(unsatisfied[0]?.detail).toContain('needs plugin "b" ^2.0.0, which is there in version 1.4.0');
  });

  test("names the members of a circle with arrows, also when capabilities close it", () => {
    const { order, unsatisfied } = resolveOrder(
      [
        plugin("c", { capabilities: { "x.a": "1.0.0" } }),
        plugin("b", { plugins: { c: "*" } }),
        plugin("a", { plugins: { b: "*" }, provides: { "x.a": "1.0.0" } }),
        plugin("behind", { plugins: { b: "*" } }),
        plugin("free"),
      ],
      RULES,
    );
    expect(order).toEqual(["free"]);
    const detail =
      "Plugins need each other in a circle: a → b → c → a. Disable one of them in /home/me/.hyp/hypaware-config.json.";
    expect(unsatisfied).toMatchObject([
      { plugin: "a", errorKind: "cycle", detail },
      { plugin: "b", errorKind: "cycle", detail },
      { plugin: "c", errorKind: "cycle", detail },
      { plugin: "behind", errorKind: "plugin_missing" },
    ]);
  });

  test("says that nobody provides a capability", () => {
    const { unsatisfied } = resolveOrder([plugin("a", { capabilities: { "x.y": "^1.0.0" } })], RULES);
    expect(unsatisfied).toEqual([
      {
        plugin: "a",
        errorKind: "cap_missing",
        detail:
          'Plugin "a" needs x.y ^1.0.0, but no active plugin provides it. Enable a plugin that does, or remove "a" from "plugins" in /home/me/.hyp/hypaware-config.json.',
      },
    ]);
  });

  test("explains a version clash with both versions and the way out, in either direction", () => {
    const gateway = plugin("@hypaware/ai-gateway", { provides: { "hypaware.ai-gateway": "2.0.0" } });
    const old = plugin("@acme/x", { capabilities: { "hypaware.ai-gateway": "^1.0.0" } });
    const young = plugin("@acme/y", { capabilities: { "hypaware.ai-gateway": "^3.1.0" } });
    expect(resolveOrder([old, young, gateway], RULES)).toEqual({
      order: ["@hypaware/ai-gateway"],
      unsatisfied: [
        {
          plugin: "@acme/x",
          errorKind: "cap_version_clash",
          detail:
            'Plugin "@acme/x" needs hypaware.ai-gateway ^1.0.0, but @hypaware/ai-gateway provides 2.0.0. Update the plugin to one for 2.x (hyp plugin update @acme/x), or remove it from "plugins" in /home/me/.hyp/hypaware-config.json.',
        },
        {
          plugin: "@acme/y",
          errorKind: "cap_version_clash",
          detail:
            'Plugin "@acme/y" needs hypaware.ai-gateway ^3.1.0, but @hypaware/ai-gateway provides 2.0.0. Update @hypaware/ai-gateway to one that provides ^3.1.0, or remove it from "plugins" in /home/me/.hyp/hypaware-config.json.',
        },
      ],
    });
  });

  test("takes the pinned provider, and only that", () => {
    const manifests = [
      plugin("@acme/user", { capabilities: { "x.store": "^1.0.0" } }),
      plugin("@acme/one", { provides: { "x.store": "1.0.0" } }),
      plugin("@acme/zwei", { provides: { "x.store": "1.2.0" }, plugins: { "@acme/user": "*" } }),
    ];
    expect(resolveOrder(manifests, RULES).unsatisfied).toEqual([]);
    const pinned = { ...RULES, disambiguate: { "x.store": "@acme/zwei" } };
    expect(resolveOrder(manifests, pinned).unsatisfied.map(({ errorKind }) => errorKind)).toEqual([
      "cycle",
      "cycle",
    ]);
    const wrong = { ...RULES, disambiguate: { "x.store": "@acme/user" } };
    expect(resolveOrder(manifests, wrong).unsatisfied[0]?.detail).toContain(
      '"disambiguate" leaves only @acme/user, which does not provide it',
    );
  });
});
