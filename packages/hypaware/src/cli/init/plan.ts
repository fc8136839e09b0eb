import type { CliContext } from "../context.ts";
import { captured } from "./captured.ts";
import type { Choices } from "./choices.ts";
import { type ConfigTarget, configAction } from "./config-target.ts";

const ACTIONS = {
  new: "new file",
  same: "is like that already",
  replace: "replaces the one that is there; a copy is kept beside it",
} as const;

/** Everything that would be written, for the person to see before anything is. */
export async function planText(
  context: CliContext,
  choices: Choices,
  target: ConfigTarget,
  text: string,
  bin: readonly string[],
): Promise<string> {
  const parts = [`Config ${target.path} (${ACTIONS[configAction(target, text)]}):\n${indented(text)}`];
  if (choices.daemon)
    parts.push(
      await shown(
        "The service; where there is no service manager, hyp daemon start instead",
        ["daemon", "install", ...bin],
        context,
      ),
    );
  else parts.push("No service: you start the gateway with hyp up.");
  for (const client of choices.clients)
    parts.push(await shown(`Settings of ${client}`, ["attach", client], context));
  if (choices.clients.length === 0) parts.push("No client's settings are changed.");
  parts.push(
    choices.import
      ? "Then what the clients wrote down of their sessions is read into the history (their files are not changed)."
      : "Nothing is imported.",
  );
  return `${parts.join("\n\n")}\n`;
}

async function shown(what: string, argv: readonly string[], context: CliContext): Promise<string> {
  const { text } = await captured([...argv, "--dry-run"], context);
  return `${what} (hyp ${argv.join(" ")}):\n${indented(text)}`;
}

const indented = (text: string): string => text.trimEnd().replace(/^(?=.)/gm, "  ");
