// What `hyp init` lets a person choose from, as the plugins that ship declare it.

import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { App } from "../../app.ts";
import type { ClientRegistration } from "../../contract/plugin.ts";
import { MANIFEST_FILE, type Manifest } from "../../kernel/manifest.ts";
import { clientsFound } from "../../status/clients.ts";

/** Something whose traffic can be recorded. */
export interface Source {
  readonly name: string;
  readonly plugin: string;
  /** A client with settings of its own; other sources are any program on a provider's API. */
  readonly isClient: boolean;
  /** Its command, its folder or its own record is on this machine. */
  readonly isInstalled: boolean;
  /** It keeps a record of its own that can be imported. */
  readonly hasRecord: boolean;
}

export interface Offer {
  readonly sources: readonly Source[];
  readonly plugins: readonly Pick<Manifest, "name" | "accompanies">[];
}

/** `app` without a config: everything that ships is active. */
export async function offerOf(app: App, env: NodeJS.ProcessEnv): Promise<Offer> {
  const manifests = app.kernel.plugins.map(
    ({ rootDir }) => JSON.parse(readFileSync(join(rootDir, MANIFEST_FILE), "utf8")) as Manifest,
  );
  const registered = app.registry.clients();
  const records = app.notes.clientRecords();
  const { clients: found } = await clientsFound(registered, records, []);
  const sources = manifests.flatMap((manifest) => {
    const clients = contributed(manifest, "clients");
    if (clients.length === 0)
      return contributed(manifest, "projectors").map((name) => ({
        name,
        plugin: manifest.name,
        isClient: false,
        isInstalled: false,
        hasRecord: false,
      }));
    return clients.map((name) => {
      const status = found.find((client) => client.name === name);
      const registration = registered.find((client) => client.name === name);
      return {
        name,
        plugin: manifest.name,
        isClient: true,
        isInstalled:
          typeof status?.last_record_at === "string" || (status?.installed ?? isOnPath(registration, env)),
        hasRecord: records.some(({ client }) => client === name),
      };
    });
  });
  return { sources: sources.toSorted((a, b) => Number(b.isClient) - Number(a.isClient)), plugins: manifests };
}

const contributed = ({ contributes }: Manifest, kind: string): readonly string[] =>
  (contributes?.[kind] ?? []) as readonly string[];

function isOnPath(client: ClientRegistration | undefined, env: NodeJS.ProcessEnv): boolean {
  const command = client?.launch?.({ endpoint: "http://127.0.0.1", args: [] }).command;
  if (command === undefined) return false;
  const folders = isAbsolute(command) ? [""] : (env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
