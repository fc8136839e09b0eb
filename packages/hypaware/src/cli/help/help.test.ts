import { expect, test } from "vitest";
import { HELP_TOPICS } from "./topics.ts";
import { buildProgram } from "../program.ts";
import { helpOf, terminal, visibleCommands } from "../program.testkit.ts";
import { runCommandLine } from "../command-line.ts";

async function help(words: readonly string[], columns = 80): Promise<string> {
  const { out, context } = terminal({ columns, env: { NO_COLOR: "1" } });
  expect(await runCommandLine(["help", ...words], context)).toBe(0);
  return out.text;
}

test("hyp help lists every command and every topic", async () => {
  const text = await help([]);
  const program = buildProgram(terminal().context);
  for (const name of program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name()))
    expect(text).toMatch(new RegExp(`^ {2}${name}\\b`, "m"));
  for (const { name, summary } of HELP_TOPICS) expect(text).toMatch(new RegExp(`${name} +${summary}`));
});

test.each(HELP_TOPICS.map((topic) => [topic.name, topic] as const))(
  "hyp help %s can be read at 40 columns",
  async (name, { summary }) => {
    const text = await help([name], 40);
    expect(text.replace(/\s+/g, " ")).toContain(`${name}: ${summary}`);
    for (const line of text.split("\n"))
      if (line.length > 40) expect(line).toMatch(/^ +(\w+=\S+ )?hyp |^\S+$|^ {2}source /);
  },
);

test("hyp help of a command is its help, and its topic where there is one", async () => {
  const noColour = { columns: 80, env: { NO_COLOR: "1" } };
  expect(await help(["query", "sql"])).toBe(helpOf(["query", "sql"], noColour));
  const both = await help(["query"]);
  expect(both.startsWith(helpOf(["query"], noColour))).toBe(true);
  expect(both).toContain("query: asking the history");
});

test("an unknown word is wrong usage, with the nearest one", async () => {
  const { err, context } = terminal();
  expect(await runCommandLine(["help", "privcy"], context)).toBe(2);
  expect(err.text).toContain('Did you mean "privacy"?');
});

test("topics name only commands and options that exist", () => {
  const program = buildProgram(terminal().context);
  const known = visibleCommands(program).map(({ path }) => path.join(" "));
  for (const { name, text } of HELP_TOPICS)
    for (const [, words = ""] of text.matchAll(/^ {2}hyp ((?:[a-z]+ ?)+)/gm)) {
      const path = words.trim().split(" ");
      const isKnown = path.some((_, n) => known.includes(path.slice(0, n + 1).join(" ")));
      expect([name, words, isKnown]).toEqual([name, words, true]);
    }
});
