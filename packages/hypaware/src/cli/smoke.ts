import type { Command } from "commander";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HypError } from "../contract/errors.ts";
import type { CliContext } from "./context.ts";

/** Runs one of the repository's black-box flows. Hidden: it needs a checkout. */
export function registerSmoke(program: Command, context: CliContext): void {
  program
    .command("smoke", { hidden: true })
    .argument("<flow>", "name of a file in flows/, without .flow.ts")
    .description("run one black-box flow of the repository")
    .addHelpText("after", "\nExamples:\n  hyp smoke core_boot_noop\n")
    .action(async (flow: string) => {
      const runner = fileURLToPath(new URL("../../../../scripts/flows.mjs", import.meta.url));
      if (!existsSync(runner))
        throw new HypError("usage", "hyp smoke works in a checkout of the repository.");
      const child = spawn(process.execPath, [runner, flow], { stdio: "inherit", env: context.env });
      context.exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => resolve(code ?? 1));
      });
    });
}
