import type { CapabilityConsumer, AnyClientRecord, Notes, SessionContextSource } from "../contract/plugin.ts";

/** Capability `hypaware.notes` 1.0.0: what adapters bring to read beside the wire. */
export interface NotesRegistry {
  viewFor(consumer: CapabilityConsumer): Notes;
  sessionContexts(): readonly SessionContextSource[];
  clientRecords(): readonly AnyClientRecord[];
}

export function createNotes(): NotesRegistry {
  const sources: SessionContextSource[] = [];
  const records: AnyClientRecord[] = [];
  return {
    viewFor: (consumer) => ({
      registerSessionContextSource(source) {
        sources.push(source);
        consumer.onDispose(() => void sources.splice(sources.indexOf(source), 1));
      },
      registerClientRecord(record) {
        records.push(record);
        consumer.onDispose(() => void records.splice(records.indexOf(record), 1));
      },
    }),
    sessionContexts: () => [...sources],
    clientRecords: () => [...records],
  };
}
