import { join } from "node:path";
import type {
  AnyClientRecord,
  PluginContext,
  PluginModule,
  SessionContextSource,
} from "../contract/plugin.ts";
import { createAiGateway, type RegisteredProjector } from "../gateway/capability.ts";
import { createNotes } from "../notes/registry.ts";
import { settingsFor } from "../settings/settings.testkit.ts";

/** What adapters bring for a recorder. */
export interface Activated {
  readonly projectors: readonly RegisteredProjector[];
  readonly clientRecords: readonly AnyClientRecord[];
  readonly contextSources: readonly SessionContextSource[];
}

/** Each adapter's own folder, below a home. */
export const stateDirOf = (home: string, adapter: string): string => join(home, "plugins", adapter);

/** Adapters that ship, by their folders' names, as a host would activate them for a person whose home is `home`. */
export async function activated(adapters: readonly string[], home: string): Promise<Activated> {
  const gateway = createAiGateway({ endpoint: () => undefined });
  const notes = createNotes();
  const settings = settingsFor();
  for (const adapter of adapters) {
    const own = notes.viewFor({ plugin: adapter, onDispose: () => undefined });
    const requireCapability = (name: string): unknown =>
      name === "hypaware.notes" ? own : name === "hypaware.settings" ? settings : gateway.capability;
    const paths = { stateDir: stateDirOf(home, adapter) };
    const plugin = { version: "2.0.0" };
    const context = { env: { HOME: home }, config: {}, plugin, paths, requireCapability };
    const module = (await import(`./${adapter}/index.ts`)) as PluginModule;
    await module.activate(context as unknown as PluginContext);
  }
  return {
    projectors: gateway.projectors(),
    clientRecords: notes.clientRecords(),
    contextSources: notes.sessionContexts(),
  };
}
