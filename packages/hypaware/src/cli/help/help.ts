import type { Command } from "commander";
import { HypError } from "../../contract/errors.ts";
import { didYouMean } from "../../kernel/suggest.ts";
import { HELP_TOPICS, type HelpTopic } from "./topics.ts";

export function registerHelp(program: Command): void {
  program
    .helpCommand(false)
    .command("help")
    .argument("[words...]", "a topic, or a command")
    .description("read about a command or a topic; without a word, the list of both")
    .addHelpText(
      "after",
      `
Topics:
${topicList()}
Examples:
  hyp help
  hyp help start
  hyp help query sql
`,
    )
    .action((words: readonly string[]) => {
      const write = (text: string): void => program.configureOutput().writeOut?.(text);
      if (words.length === 0) {
        program.outputHelp();
        write(`\nTopics (hyp help <topic>):\n${topicList()}`);
        return;
      }
      const command = commandAt(program, words);
      const topic = words.length === 1 ? HELP_TOPICS.find(({ name }) => name === words[0]) : undefined;
      if (command === undefined && topic === undefined) throw unknownWords(program, words);
      command?.outputHelp();
      if (topic !== undefined) write(`${command === undefined ? "" : "\n"}${topicText(topic)}`);
    });
}

function topicList(): string {
  const width = Math.max(...HELP_TOPICS.map(({ name }) => name.length));
  return HELP_TOPICS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join("");
}

/** A paragraph becomes one line, for the output to break where the terminal ends; indented lines stay lines. */
export function topicText({ name, summary, text }: HelpTopic): string {
  const body = text.trim().replace(/(?<=\S)\n(?=\S)/g, " ");
  return `${name}: ${summary}\n\n${body}\n`;
}

function commandAt(program: Command, words: readonly string[]): Command | undefined {
  let command: Command | undefined = program;
  for (const word of words)
    command = command?.commands.find((child) => child.name() === word || child.aliases().includes(word));
  return command;
}

function unknownWords(program: Command, words: readonly string[]): HypError {
  const wanted = words.join(" ");
  const known = [...HELP_TOPICS, ...program.commands.map((child) => ({ name: child.name() }))];
  const hint = didYouMean(
    wanted,
    known.map(({ name }) => name),
  );
  return new HypError("usage", `There is no command and no topic "${wanted}".${hint}`, {
    next: "hyp help lists both.",
  });
}
