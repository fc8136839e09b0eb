import type { CapabilityConsumer, Notes, SessionContextSource } from "../contract/plugin.ts";

/** Capability `hypaware.notes` 1.0.0: what adapters bring to read beside the wire. */
export interface NotesRegistry {
  viewFor(consumer: CapabilityConsumer): Notes;
  sessionContexts(): readonly SessionContextSource[];
}

export function createNotes(): NotesRegistry {
  const sources: SessionContextSource[] = [];
  return {
    viewFor: (consumer) => ({
      registerSessionContextSource(source) {
        sources.push(source);
        consumer.onDispose(() => void sources.splice(sources.indexOf(source), 1));
      },
    }),
    sessionContexts: () => [...sources],
  };
}
