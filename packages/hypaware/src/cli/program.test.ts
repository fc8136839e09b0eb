import { expect, test } from "vitest";
import { buildProgram } from "./program.ts";
import { helpOf, terminal, visibleCommands } from "./program.testkit.ts";
import { runCommandLine } from "./command-line.ts";

const PATHS = visibleCommands(buildProgram(terminal().context)).map(({ path }) => path);
const named = PATHS.map((path) => [path.join(" "), path] as const);

test.each(named)("hyp %s --help says what it does and shows examples", async (_, path) => {
  const { out, context } = terminal();
  expect(await runCommandLine([...path, "--help"], context)).toBe(0);
  expect(out.text).toContain(`Usage: hyp ${path.join(" ")}`);
  expect(out.text).toMatch(/Examples:\n {2}(\w+=\S+ )?hyp /);
  expect(out.text.split("\n")[2]).toMatch(/\S{2}/);
});

test.each([
  ["run"],
  ["verify"],
  ["store", "verify"],
  ["reproject"],
  ["init"],
  ["doctor"],
  ["panic"],
  ["plugin", "outdated"],
])("hyp %s %s: a code that is no plain success or failure is told", (...path) => {
  expect(helpOf(path.filter((word) => word !== undefined))).toMatch(/Exits\swith |Exit\scode /);
});

const ESCAPE = "\u001b";

test("where no terminal is, or NO_COLOR is set, or the terminal is dumb, no help has an escape code", () => {
  for (const path of [[], ...PATHS]) {
    expect(helpOf(path)).not.toContain(ESCAPE);
    expect(helpOf(path, { columns: 80, env: { NO_COLOR: "1" } })).not.toContain(ESCAPE);
    expect(helpOf(path, { columns: 80, env: { TERM: "dumb" } })).not.toContain(ESCAPE);
    expect(helpOf(path, { columns: 80 })).toContain("\u001b[1mUsage:\u001b[22m hyp");
  }
});

test.each([40, 60, 80])(
  "at %i columns no line of a help is longer, but for a word or a command to copy",
  (columns) => {
    for (const path of [[], ...PATHS])
      for (const line of helpOf(path, { columns, env: { NO_COLOR: "1" } }).split("\n"))
        if (line.length > columns) expect(line.trim()).toMatch(/^(\w+=\S+ )?(npx )?hyp |^\S+$/);
  },
);

test("a paragraph of a help is broken anew as a whole", () => {
  const [, prose = ""] =
    /\n\n(Works without a daemon[^]*?)\n\nExamples/.exec(
      helpOf(["panic"], { columns: 50, env: { NO_COLOR: "1" } }),
    ) ?? [];
  const lines = prose.split("\n");
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines.slice(0, -1)) expect(line.length).toBeGreaterThan(35);
});

test.each([
  ["an unknown command", ["qurey"], "Did you mean query?"],
  ["an unknown option", ["status", "--jsno"], "Did you mean --json?"],
  ["a format that does not exist", ["query", "sql", "select 1", "--format", "xml"], "table, json, jsonl"],
  ["a missing argument", ["show"], "missing required argument"],
] as const)("%s is wrong usage, with a hint", async (_, argv, hint) => {
  const { err, context } = terminal();
  expect(await runCommandLine(argv, context)).toBe(2);
  expect(err.text).toContain(hint);
  expect(err.text).not.toContain(ESCAPE);
});

test("an error is set off by colour on a terminal only", async () => {
  const { err, context } = terminal({ columns: 80 });
  expect(await runCommandLine(["qurey"], context)).toBe(2);
  expect(err.text.startsWith("\u001b[31merror:\u001b[39m unknown command")).toBe(true);
});
