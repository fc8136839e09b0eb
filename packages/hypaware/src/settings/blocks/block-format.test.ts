import { expect, test } from "vitest";
import type { ClientSettings } from "../../contract/plugin.ts";
import { blockFormat } from "./block-format.ts";
import { env } from "./env.ts";
import { toml } from "./toml.ts";

const format = blockFormat(toml);
const PATHS = [["provider"], ["providers", "ours"]];
const settings = {
  client: "x",
  wroteBefore: () => PATHS.map((path) => ({ path, value: "" })),
} as unknown as ClientSettings;
const MARK = { attached_at: "2026-01-01T00:00:00.000Z", version: "2.0.0", port: 8787 };
const WRITES = [
  { kind: "set", path: ["provider"], value: "ours", block: "provider" },
  {
    kind: "set",
    path: ["providers", "ours"],
    value: { url: "http://127.0.0.1:8787", on: true },
    block: "table",
  },
] as const;
const write = (text: string, previous = {}) =>
  format.write(text, WRITES, { ...MARK, previous }, settings).text;
const strip = (text: string) => format.strip(text, undefined, settings);

test("keys of the root stand in a block at the top, tables in one at the end; what is displaced becomes a comment", () => {
  const before = '# mine\nprovider = "theirs" # why\n[a]\nb = 1';
  const attached = write(before, { "/provider": "theirs" });
  expect(attached).toBe(`# BEGIN hypaware x provider
# attached_at = "2026-01-01T00:00:00.000Z"
# version = "2.0.0"
# port = 8787
# previous_provider = "theirs"
# no_last_newline = true
provider = "ours"
# END hypaware x provider

# mine
# hypaware displaced: provider = "theirs" # why
[a]
b = 1

# BEGIN hypaware x table
[providers.ours]
url = "http://127.0.0.1:8787"
on = true
# END hypaware x table
`);
  expect(strip(attached)).toMatchObject({ text: before, restored: { "/provider": "theirs" }, warnings: [] });
  expect(format.mark(attached, settings)).toMatchObject({ ...MARK, previous_provider: "theirs" });
});

test("what a client wrote between the comments of a block stays, and a value set anew wins over the displaced one", () => {
  const attached = write('provider = "theirs"\n[a]\n', { "/provider": "theirs" });
  const edited = attached
    .replace("# END hypaware x table\n", "\n# new\n[tools]\nb = 1\n# END hypaware x table\n")
    .replace('provider = "ours"\n# END', 'model = "m"\nprovider = "third"\n# END');
  // What stands in our block under our name is ours, whatever its value.
  expect(strip(edited).text).toBe('model = "m"\nprovider = "theirs"\n[a]\n\n# new\n[tools]\nb = 1\n');
  const anew = attached.replace("[a]", 'provider = "third"\n[a]').replace('\nprovider = "ours"', "");
  expect(strip(anew)).toMatchObject({
    text: 'provider = "third"\n[a]\n',
    warnings: ["provider was changed externally; leaving third in place"],
  });
});

test("a block without its end, a table of the name that is not ours and a file that is no TOML are errors", () => {
  expect(() => strip("# BEGIN hypaware x provider\nprovider = 1\n")).toThrow(
    "unterminated hypaware-managed x config block",
  );
  expect(() => write("[providers.ours]\nurl = 1\n")).toThrow(
    "has a [providers.ours] that hyp attach did not write",
  );
  expect(() => write('provider = """\na"""\n')).toThrow("cannot be put aside as one line");
  expect(() => write("a = \n")).toThrow("is not valid TOML");
});

test("blocks that an older version wrote are taken out, and what they displaced is named", () => {
  const old = `# BEGIN hypaware x provider
# attached_at = "2026-01-01T00:00:00.000Z"
# version = "2.0.0"
# port = 8787
provider = "ours"
# END hypaware x provider
[a]

# BEGIN hypaware x table
[providers.ours]
url = "http://127.0.0.1:8787"
# END hypaware x table
`;
  expect(strip(old).text).toBe("[a]\n");
});

test("an .env file is read as its clients read it", () => {
  expect(env.parse("export A='x y'\r\nB = \"l1\nl2\" # c\n# C=1\nD=a#b\nD=2\n")).toEqual({
    A: "x y",
    B: "l1\nl2",
    D: "2",
  });
});
