import fc from "fast-check";
import { expect, test } from "vitest";
import type { Config } from "./config.ts";
import { type ConfigChange, editConfig } from "./edit-config.ts";

const SHIPPED = ["@hypaware/gateway", "@hypaware/one"];
const pluginsOf = (text: string) => (JSON.parse(text.replace(/^\uFEFF/, "")) as Config).plugins;

test("without a file a change lists every plugin that ran, so that they still run", () => {
  const text = editConfig(undefined, { kind: "disable", plugin: "@hypaware/one" }, SHIPPED);
  expect(JSON.parse(text)).toEqual({
    version: 2,
    plugins: [{ name: "@hypaware/gateway" }, { name: "@hypaware/one", enabled: false }],
  });
  expect(text.endsWith("}\n")).toBe(true);
});

test("a plugin that is not listed is added, one that is switched off is switched on", () => {
  const text = `{"version": 2, "plugins": [{"name": "a", "enabled": false}]}`;
  expect(pluginsOf(editConfig(text, { kind: "enable", plugin: "b" }, SHIPPED))).toEqual([
    { name: "a", enabled: false },
    { name: "b" },
  ]);
  expect(pluginsOf(editConfig(text, { kind: "enable", plugin: "a" }, SHIPPED))).toEqual([{ name: "a" }]);
});

test("an entry that is there twice is removed once", () => {
  const text = `{"version": 2, "plugins": [{"name": "a"}, {"name": "b"}, {"name": "a", "config": {}}]}`;
  expect(pluginsOf(editConfig(text, { kind: "remove", plugin: "a" }, SHIPPED))).toEqual([
    { name: "b" },
    { name: "a", config: {} },
  ]);
});

test("a key is set where it stands, added where it does not, and removed with no value", () => {
  const set = (text: string, value: string | undefined): string =>
    editConfig(text, { kind: "set", plugin: "a", key: ["listen"], value }, SHIPPED);
  const first = set(`{"version": 2, "plugins": []}`, "127.0.0.1:1");
  expect(pluginsOf(first)).toEqual([{ name: "a", config: { listen: "127.0.0.1:1" } }]);
  expect(pluginsOf(set(first, "127.0.0.1:2"))).toEqual([{ name: "a", config: { listen: "127.0.0.1:2" } }]);
  expect(pluginsOf(set(first, undefined))).toEqual([{ name: "a", config: {} }]);
});

test("lines that a change does not touch keep their bytes", () => {
  const before = `\uFEFF{\r\n\t"version": 2,\r\n\t"plugins": [ {"name":"a", "config": {"x":[1,2]}},`;
  const edited = editConfig(
    `${before}\r\n\t\t{\r\n\t\t\t"name": "b"\r\n\t\t}\r\n\t]\r\n}`,
    { kind: "set", plugin: "b", key: ["y"], value: 1 },
    SHIPPED,
  );
  expect(edited).toBe(
    `${before}\r\n\t\t{\r\n\t\t\t"name": "b",\r\n\t\t\t"config": {\r\n\t\t\t\t"y": 1\r\n\t\t\t}\r\n\t\t}\r\n\t]\r\n}`,
  );
});

test("a change twice is the change once, and the result lists each plugin once", () => {
  const name = fc.constantFrom("a", "b", "c");
  const config = fc.record({
    version: fc.constant(2),
    plugins: fc.uniqueArray(
      fc.record(
        { name, enabled: fc.boolean(), config: fc.dictionary(fc.string(), fc.integer()) },
        { requiredKeys: ["name"] },
      ),
      { selector: (entry) => entry.name },
    ),
  });
  const change: fc.Arbitrary<ConfigChange> = fc.oneof(
    fc.record({ kind: fc.constantFrom("enable" as const, "disable" as const), plugin: name }),
    fc.record({
      kind: fc.constant("set" as const),
      plugin: name,
      key: fc.array(fc.constantFrom("k", "l"), { minLength: 1, maxLength: 2 }),
      value: fc.oneof(fc.integer(), fc.constant(undefined)),
    }),
  );
  fc.assert(
    fc.property(config, change, fc.constantFrom(undefined, 2, "\t"), (value, wanted, indent) => {
      fc.pre(
        wanted.kind !== "set" || wanted.key.length < 2 || !value.plugins.some((entry) => "config" in entry),
      );
      const once = editConfig(JSON.stringify(value, null, indent), wanted, SHIPPED);
      expect(editConfig(once, wanted, SHIPPED)).toBe(once);
      const names = pluginsOf(once)!.map((entry) => entry.name);
      expect(names.filter((each) => each === wanted.plugin)).toHaveLength(1);
      expect(new Set(names).size).toBe(names.length);
      const others = (entries: readonly { name: string }[]) =>
        entries.filter((entry) => entry.name !== wanted.plugin);
      expect(others(pluginsOf(once)!)).toEqual(JSON.parse(JSON.stringify(others(value.plugins))));
    }),
  );
});
