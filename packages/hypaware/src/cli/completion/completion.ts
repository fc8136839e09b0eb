import { Argument, type Command } from "commander";
import { COMPLETION_SCRIPTS } from "./scripts.ts";
import type { CliContext } from "../context.ts";

export function registerCompletion(program: Command, context: CliContext): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "your shell").choices(Object.keys(COMPLETION_SCRIPTS)))
    .description("print a script that completes commands, options, clients and tables in your shell")
    .addHelpText(
      "after",
      `
Put the line of your shell into its start file (hyp help completion).

Examples:
  hyp completion bash         source <(hyp completion bash)
  hyp completion zsh          source <(hyp completion zsh)
  hyp completion fish         hyp completion fish | source
  hyp completion powershell   hyp completion powershell | Out-String | Invoke-Expression
`,
    )
    .action((shell: keyof typeof COMPLETION_SCRIPTS) => void context.stdout.write(COMPLETION_SCRIPTS[shell]));
}
