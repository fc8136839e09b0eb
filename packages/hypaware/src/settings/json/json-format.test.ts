import { expect, test } from "vitest";
import type { ClientSettings, Json } from "../../contract/plugin.ts";
import { jsonFormat } from "./json-format.ts";

const MARK = { attached_at: "2026-01-01T00:00:00.000Z", version: "2.0.0", port: 8787 };
const HOOK = { hooks: [{ type: "command", command: "ours" }] };
const settings = {
  client: "x",
  managed: {
    path: ["hooks", "*", "*", "hooks", "*"],
    isOurs: (hook: Json) => JSON.stringify(hook).includes("ours"),
  },
} as unknown as ClientSettings;
const strict = { ...settings, isStrict: true };
const WRITES = [
  { kind: "set", path: ["env", "URL"], value: "http://127.0.0.1:8787" },
  { kind: "add", path: ["hooks", "Start"], value: HOOK },
] as const;

function attached(text: string, previous?: Readonly<Record<string, Json>>) {
  const mark = { ...MARK, wrote: { "/env/URL": "http://127.0.0.1:8787" }, ...(previous && { previous }) };
  return jsonFormat.write(text, WRITES, mark, settings);
}

test("comments, trailing commas and what the person adds around ours stay", () => {
  const before = '// mine\n{ "env": { /* none */ }, "hooks": { "Start": [ 1, ], }, }';
  const { text, pieces } = attached(before);
  expect(jsonFormat.values(text, settings)).toMatchObject({
    env: { URL: "http://127.0.0.1:8787" },
    hooks: { Start: [HOOK, 1] },
  });
  expect(jsonFormat.strip(text, pieces, settings).text).toBe(before);
  const edited = text.replace(" 1, ]", " 1, 2 ]").replace("// mine", "// yours");
  expect(jsonFormat.strip(edited, pieces, settings).text).toBe(
    before.replace(" 1, ]", " 1, 2 ]").replace("// mine", "// yours"),
  );
});

test("a client that writes its whole file anew loses nothing of ours and keeps nothing of it", () => {
  const before = { env: { OWN: "1" }, hooks: { Stop: [{ hooks: [{ type: "command", command: "mine" }] }] } };
  const { text, pieces } = attached(`${JSON.stringify(before)}\n`);
  const anew = JSON.stringify(JSON.parse(text), null, 4);
  for (const known of [pieces, undefined])
    expect(JSON.parse(jsonFormat.strip(anew, known, settings).text)).toEqual(before);
});

test("of names that stand twice the last one counts, for us as for the client", () => {
  const before = '{"env": {"URL": "a"}, "env": {"URL": "b", "URL": "c"}}';
  const { text, pieces } = attached(before, { "/env/URL": "c" });
  expect((JSON.parse(text) as { env: object }).env).toEqual({ URL: "http://127.0.0.1:8787" });
  const stripped = jsonFormat.strip(text, pieces, settings);
  expect(stripped).toMatchObject({ text: before, restored: { "/env/URL": "c" } });
});

test("what is no object or list where one is needed is replaced, and comes back", () => {
  const before = '{"env": "none", "hooks": [ ]}';
  const { text, pieces } = attached(before);
  expect(jsonFormat.values(text, settings)).toMatchObject({ hooks: { Start: [HOOK] } });
  expect(jsonFormat.strip(text, pieces, settings).text).toBe(before);
});

test("a value that the person changed stays, with a warning, and the rest goes", () => {
  const { text, pieces } = attached('{"a": 1}');
  const edited = text.replace('"URL": "http://127.0.0.1:8787"', '"URL": "https://mine.example"');
  const stripped = jsonFormat.strip(edited, pieces, settings);
  expect(JSON.parse(stripped.text)).toEqual({ a: 1, env: { URL: "https://mine.example" } });
  expect(stripped.warnings).toEqual(["URL was overridden externally; leaving in place"]);
});

test("the mark of an older version, without a list of what was written, is enough", () => {
  const old = { ...settings, wroteBefore: () => [{ path: ["env", "URL"], value: "http://127.0.0.1:8787" }] };
  const text = JSON.stringify({
    env: { URL: "http://127.0.0.1:8787" },
    hooks: { Start: [HOOK, { hooks: [{ command: "mine" }] }], Stop: [HOOK] },
    _hypaware: MARK,
  });
  expect(JSON.parse(jsonFormat.strip(text, undefined, old).text)).toEqual({
    hooks: { Start: [{ hooks: [{ command: "mine" }] }] },
  });
});

test.each([
  ["", "is not valid JSON (it is empty)"],
  ['{"a": }', "is not valid JSON (line 1, column 7: value expected)"],
  ["[1]", "holds a JSON array, not an object"],
  [`${'{"a":'.repeat(60_000)}1${"}".repeat(60_000)}`, "is nested too deeply"],
])("%.20s is refused in words", (text, message) => {
  expect(() => jsonFormat.values(text, settings)).toThrow(message);
});

test("comments are refused where the client would not read them", () => {
  expect(() => jsonFormat.values('{"a": 1} // mine', strict)).toThrow("has comments or a comma too many");
  expect(jsonFormat.values('\uFEFF{"a": 1}', strict)).toEqual({ a: 1 });
});
