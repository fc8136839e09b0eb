import type { Command } from "commander";
import { HypError } from "../../contract/errors.ts";
import { readPluginLock } from "../../plugins/plugin-lock.ts";
import { type CliContext, withApp } from "../context.ts";
import { reportError } from "../report-error.ts";

export function registerPluginList(plugin: Command, context: CliContext): void {
  plugin
    .command("list")
    .description("plugins that ship and plugins that were installed, and which of them run")
    .option("--json", "machine-readable")
    .addHelpText("after", "\nExamples:\n  hyp plugin list\n  hyp plugin list --json\n")
    .action((options: { json?: boolean }) =>
      withApp(context, "plugin list", {}, async (app) => {
        const lock = await readPluginLock(app.paths).catch((error: unknown) => {
          // What ships is told all the same.
          if (!(error instanceof HypError)) throw error;
          context.exitCode = reportError(error, context);
          return { plugins: {} };
        });
        // A shipped one of the same name is what runs.
        const isActive = (name: string, source: "bundled" | "installed"): boolean =>
          app.kernel.plugins.some((active) => active.name === name) &&
          (source === "bundled" || !app.shipped.includes(name));
        const bundled = app.bundled.map(({ name, version }) => ({
          name,
          version,
          source: "bundled" as const,
        }));
        const installed = Object.values(lock.plugins).map(({ name, version, installed_at, update }) => ({
          name,
          version,
          source: "installed" as const,
          installed_at,
          update,
        }));
        const plugins = [...bundled, ...installed].map(({ name, version, source, ...more }) => ({
          name,
          version,
          source,
          active: isActive(name, source),
          ...more,
        }));
        if (options.json === true) {
          context.stdout.write(`${JSON.stringify({ plugins }, null, 2)}\n`);
          return;
        }
        const width = Math.max(...plugins.map(({ name }) => name.length));
        for (const { name, version, source, active } of plugins)
          context.stdout.write(
            `${name.padEnd(width)}  ${version.padEnd(9)} ${source.padEnd(9)} ${active ? "active" : "-"}\n`,
          );
      }),
    );
}
