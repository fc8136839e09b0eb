import type { Argument, Command, Option } from "commander";
import { join } from "node:path";
import { expect, test } from "vitest";
import { topicText } from "./help/help.ts";
import { HELP_TOPICS } from "./help/topics.ts";
import { buildProgram } from "./program.ts";
import { terminal, visibleCommands } from "./program.testkit.ts";

const { out, context } = terminal();
const program = buildProgram(context);

const cell = (text: string): string => text.replace(/[|<]/g, String.raw`\$&`);
const code = (text: string): string => `\`${text.replaceAll("|", String.raw`\|`)}\``;

const table = (head: string, rows: readonly (readonly [string, string])[]): readonly string[] =>
  rows.length === 0
    ? []
    : [
        "",
        `| ${head} | |`,
        "|---|---|",
        ...rows.map(([name, text]) => `| ${code(name)} | ${cell(text)} |`.replace("|  |", "| |")),
      ];

/** What stands below arguments, options and commands. */
function afterText(command: Command): readonly string[] {
  out.text = "";
  command.configureOutput({ writeOut: (text) => void (out.text += text) }).outputHelp();
  const after = out.text.slice(command.helpInformation().length);
  const [prose = "", examples = ""] = after.split("Examples:\n");
  const paragraphs = prose.trim() === "" ? [] : ["", prose.trim()];
  return [...paragraphs, "", "```sh", ...examples.trimEnd().split("\n").map(unindented), "```"];
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const unindented = (line: string): string => line.replace(/^ {2}/, "");

function section(path: readonly string[], command: Command): readonly string[] {
  const help = command.createHelp();
  const called = (argument: Argument): string => help.argumentTerm(argument);
  const flags = (option: Option): string => help.optionTerm(option);
  return [
    "",
    `## hyp ${path.join(" ")}`,
    "",
    sentence(cell(command.description())),
    "",
    `    ${help.commandUsage(command)}`,
    ...table(
      "argument",
      help.visibleArguments(command).map((each) => [called(each), help.argumentDescription(each)]),
    ),
    ...table(
      "option",
      help
        .visibleOptions(command)
        .filter(({ long }) => long !== "--help")
        .map((each) => [flags(each), help.optionDescription(each)]),
    ),
    ...table(
      "command",
      help.visibleCommands(command).map((each) => [each.name(), each.description()]),
    ),
    ...afterText(command),
  ];
}

test("docs/cli.md has every command, argument, option, example and topic (vitest -u writes it)", async () => {
  const document = [
    "# Commands",
    "",
    "Written from the command line itself (`packages/hypaware/src/cli`); a test keeps it in step.",
    "Every command has `--help`. Exit codes: 0 done; 1 failed, or what was checked is wrong; 2 wrong usage. Where a command has others, it says so.",
    ...visibleCommands(program).flatMap(({ path, command }) => section(path, command)),
    "",
    "# Topics",
    "",
    "What `hyp help <topic>` tells.",
    ...HELP_TOPICS.flatMap((topic) => {
      const [, ...body] = topicText(topic).trimEnd().split("\n");
      return ["", `## ${topic.name}: ${topic.summary}`, ...body.map((line) => line.replace(/^ {2}/, "    "))];
    }),
    "",
  ].join("\n");
  await expect(document).toMatchFileSnapshot(join(import.meta.dirname, "../../../../docs/cli.md"));
});
