import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { HypError } from "../contract/errors.ts";
import { PLUGIN_NAME } from "../kernel/manifest-schema.ts";

const TEMPLATE = fileURLToPath(new URL("./template", import.meta.url));

/** What a plugin's client, upstream and projector are called: the last part of its name. */
export const shortName = (plugin: string): string =>
  plugin.replace(/^@[^/]+\//, "").replace(/^hypaware-plugin-(?=.)/, "");

/** Writes a working adapter with its tests into a new or empty folder; returns the files. `version`: of this package. */
export async function newPlugin(plugin: string, folder: string, version: string): Promise<readonly string[]> {
  if (!PLUGIN_NAME.test(plugin) || plugin.startsWith("@hypaware/"))
    throw new HypError("usage", `"${plugin}" is no name for a plugin.`, {
      next: 'Use one like "my-client" or "@me/my-client", in lower case.',
    });
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new HypError("local_dir_invalid", `${folder} cannot be used: ${error.message}`, { cause: error });
  });
  if (there.length > 0) throw new HypError("folder_not_empty", `${folder} holds ${there[0]} already.`);

  const name = shortName(plugin);
  const variable = name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "_")
    .replace(/^(?=\d)/, "_");
  const values = { PLUGIN: plugin, NAME: name, ENV: variable, VERSION: version };
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1))
    .sort();
  for (const file of files) {
    const text = await readFile(join(TEMPLATE, file), "utf8");
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(
      join(folder, file),
      text.replace(/__(PLUGIN|NAME|ENV|VERSION)__/g, (_, key: keyof typeof values) => values[key]),
      { flag: "wx" },
    );
  }
  return files;
}
