import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FlowContext } from "./lib/flow.ts";

export const title = "real shells complete commands, options, clients and tables by hyp's own scripts";

const BIN = join(dirname(fileURLToPath(import.meta.url)), "..", "node_modules", ".bin");

/** What stands before the cursor, and what has to be offered there, sorted. */
const LINES: readonly (readonly [string, readonly string[]])[] = [
  ["hyp que", ["query"]],
  ["hyp query s", ["schema", "sql", "status"]],
  ["hyp query sql --format j", ["json", "jsonl"]],
  ["hyp run c", ["claude", "codex"]],
  ["hyp query schema ai_", ["ai_gateway_exchanges", "ai_gateway_messages"]],
  ["hyp query sql '$(touch injected)' --ref", ["--refresh"]],
];

/** A program for each shell that prints what it offers for the line in $LINE. Functions of the shell are replaced only where it prints. */
const SHELLS: Readonly<Record<string, readonly [command: string, args: readonly string[], program: string]>> =
  {
    bash: [
      "bash",
      ["--norc", "--noprofile"],
      `source <(hyp completion bash)
     read -ra COMP_WORDS <<<"$LINE"; COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
     _hyp_complete hyp; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    zsh: [
      "zsh",
      ["-f"],
      `autoload -Uz compinit && compinit -u -d "$TMPDIR/zcompdump"
     source <(hyp completion zsh)
     [[ $_comps[hyp] == _hyp && $_comps[hypaware] == _hyp ]] || exit 3
     _describe() { local -a offered=("\${(@P)2}"); print -rl -- "\${(@)offered%%:*}" }
     words=("\${(@z)LINE}"); CURRENT=\${#words}; _hyp`,
    ],
    fish: [
      "fish",
      ["--no-config"],
      `hyp completion fish | source
     complete --do-complete "$LINE" | string replace --regex '\\t.*' ''`,
    ],
  };

export default async function shellCompletion(ctx: FlowContext): Promise<void> {
  const env = { PATH: `${BIN}:${ctx.env["PATH"]}` };
  const tried: string[] = [];
  const absent: string[] = [];
  for (const [name, [command, args, program]] of Object.entries(SHELLS)) {
    if ((await ctx.run("sh", ["-c", `command -v ${command}`])).code !== 0) {
      absent.push(name);
      continue;
    }
    const file = join(ctx.folder, `complete.${name}`);
    writeFileSync(file, program);
    for (const [line, offered] of LINES) {
      const shell = await ctx.run(command, [...args, file], {
        env: { ...env, LINE: line },
        cwd: ctx.folder,
      });
      const words = shell.stdout.trim().split("\n").sort();
      assert.deepEqual([name, line, words], [name, line, offered], shell.stderr);
    }
    tried.push(name);
  }
  const injected = await ctx.run("ls", [join(ctx.folder, "injected")]);
  assert.notEqual(injected.code, 0, "nothing that was typed is evaluated");
  const files = await ctx.hyp(["complete", "--", "up", "--config", ""]);
  assert.equal(files.stdout, ":files\n");
  const began = performance.now();
  await ctx.hyp(["complete", "--", "query", ""]);
  ctx.note(`${tried.join(", ")} in ${Math.round(performance.now() - began)} ms a word`);
  if (absent.length > 0) ctx.note(`NOT TRIED, not installed: ${absent.join(", ")}`);
  assert.ok(tried.includes("bash"));
}
