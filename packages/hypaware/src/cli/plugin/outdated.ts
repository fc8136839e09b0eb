import type { Command } from "commander";
import type { App } from "../../app.ts";
import { visible } from "../../query/formats/cell-text.ts";
import { type CliContext, withApp } from "../context.ts";

export function registerPluginOutdated(plugin: Command, context: CliContext): void {
  plugin
    .command("outdated")
    .description("installed plugins that have something newer; asks their sources at most once a day")
    .option("--json", "machine-readable")
    .addHelpText(
      "after",
      "\nExits with 1 when a source could not be asked.\n\nExamples:\n  hyp plugin outdated\n  hyp plugin outdated --json\n",
    )
    .action((options: { json?: boolean }) =>
      withApp(context, "plugin outdated", { withoutInstalled: true }, (app) =>
        showOutdated(app, context, { force: false, json: options.json === true }),
      ),
    );
}

/** Exit code 1 when a source could not be asked. */
export async function showOutdated(
  app: App,
  context: CliContext,
  { force, json }: { readonly force: boolean; readonly json: boolean },
): Promise<void> {
  const { checkForUpdates } = await import("../../plugins/update-check.ts");
  const world = { paths: app.paths, env: context.env, observer: app, now: () => new Date() };
  const entries = await checkForUpdates(world, { force });
  for (const { name, update } of entries) {
    if (update?.error === undefined) continue;
    context.stderr.write(`${name}: ${visible(update.error)}\n`);
    context.exitCode = 1;
  }
  const outdated = entries.filter(({ update }) => update?.available === true);
  if (json) {
    const plugins = outdated.map(({ name, version, update }) => ({
      name,
      version,
      latest_version: update?.latest_version,
      latest_ref: update?.latest_ref,
      checked_at: update?.checked_at,
    }));
    context.stdout.write(`${JSON.stringify({ plugins }, null, 2)}\n`);
    return;
  }
  if (outdated.length === 0) context.stdout.write(`nothing newer for ${entries.length} installed plugins\n`);
  for (const { name, version, update } of outdated) {
    const newest = visible(update?.latest_version ?? update?.latest_ref ?? "?");
    context.stdout.write(`${name} ${version} → ${newest}   hyp plugin update ${name}\n`);
  }
}
