import type { Command } from "commander";
import { expect, test } from "vitest";
import type { CliContext } from "./context.ts";
import { buildProgram } from "./program.ts";

interface Output {
  text: string;
}

function harness(): { readonly program: Command; readonly out: Output; readonly err: Output } {
  const out: Output = { text: "" };
  const err: Output = { text: "" };
  const into = (output: Output): NodeJS.WriteStream =>
    ({ write: (text: string) => Boolean((output.text += text)) }) as unknown as NodeJS.WriteStream;
  const context: CliContext = { env: {}, stdout: into(out), stderr: into(err), exitCode: 0 };
  return { program: buildProgram(context), out, err };
}

function commandsBelow(command: Command, path: readonly string[] = []): (readonly string[])[] {
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()];
    return [here, ...commandsBelow(child, here)];
  });
}

const PEOPLES = commandsBelow(harness().program).filter((path) => path[0] !== "recorder");

test.each(PEOPLES.map((path) => [path.join(" "), path] as const))(
  "hyp %s --help shows examples",
  async (_, path) => {
    const { program, out } = harness();
    await expect(program.parseAsync([...path, "--help"], { from: "user" })).rejects.toMatchObject({
      exitCode: 0,
    });
    expect(out.text).toContain(`Usage: hyp ${path.join(" ")}`);
    expect(out.text).toMatch(/Examples:\n {2}hyp /);
  },
);

test.each([
  ["an unknown command", ["qurey"], "Did you mean query?"],
  ["an unknown option", ["status", "--jsno"], "Did you mean --json?"],
  ["a format that does not exist", ["query", "sql", "select 1", "--format", "xml"], "table, json, jsonl"],
  ["a missing argument", ["show"], "missing required argument"],
] as const)("%s is wrong usage, with a hint", async (_, argv, hint) => {
  const { program, err } = harness();
  await expect(program.parseAsync([...argv], { from: "user" })).rejects.toMatchObject({ exitCode: 1 });
  expect(err.text).toContain(hint);
});
