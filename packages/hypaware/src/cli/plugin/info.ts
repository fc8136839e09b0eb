import type { Command } from "commander";
import type { App } from "../../app.ts";
import { pluginFromFolder } from "../../kernel/manifest.ts";
import { damageOf } from "../../plugins/installed.ts";
import { lockEntry, readPluginLock } from "../../plugins/plugin-lock.ts";
import { visible } from "../../query/formats/cell-text.ts";
import { type CliContext, withApp } from "../context.ts";

export function registerPluginInfo(plugin: Command, context: CliContext): void {
  plugin
    .command("info")
    .argument("<name>", "as hyp plugin list shows it")
    .description("what a plugin is, where it came from, what it says it needs")
    .addHelpText("after", "\nExamples:\n  hyp plugin info my-client\n")
    .action((name: string) =>
      withApp(context, "plugin info", { withoutInstalled: true }, async (app) => {
        const lines = (await shippedInfo(app, name)) ?? (await installedInfo(app, name));
        for (const [key, value] of Object.entries(lines))
          if (value !== undefined && value !== "")
            context.stdout.write(`${key.padEnd(13)} ${visible(value)}\n`);
      }),
    );
}

type Lines = Readonly<Record<string, string | undefined>>;

async function shippedInfo(app: App, name: string): Promise<Lines | undefined> {
  const manifest = app.bundled.find((each) => each.name === name);
  if (manifest === undefined) return undefined;
  const { version, description, permissions } = manifest;
  return { name, version, description, source: "bundled", permissions: permissions?.join(", ") || "none" };
}

/** Everything from the files is told only when they are those that were installed. */
async function installedInfo(app: App, name: string): Promise<Lines> {
  const entry = lockEntry(await readPluginLock(app.paths), name);
  const { version, source, resolved_ref, install_dir, content_hash, installed_at, update } = entry;
  const damage = await damageOf(entry);
  const manifest = damage === undefined ? (await pluginFromFolder(install_dir, app)).manifest : undefined;
  return {
    name,
    version,
    description: manifest?.description,
    source: `${source.kind} ${source.raw}`,
    ref: source.ref,
    path: source.path,
    resolved_ref,
    permissions: manifest && (manifest.permissions?.join(", ") || "none"),
    contributes: manifest?.contributes && JSON.stringify(manifest.contributes),
    requires: manifest?.requires && JSON.stringify(manifest.requires),
    folder: install_dir,
    content_hash,
    installed_at,
    newer: update?.available === true ? (update.latest_version ?? update.latest_ref) : undefined,
    damaged: damage && `${damage}. Run: hyp plugin update ${name}`,
  };
}
