import type { App } from "../app.ts";
import { HypError } from "../contract/errors.ts";
import type { AnyClientRecord } from "../contract/record.ts";

/** The records of a client, followed or not; of all clients without a name. Throws HypError `no_record` for a client that keeps none that we read. */
export function clientRecordsOf({ notes }: App, client: string | undefined): readonly AnyClientRecord[] {
  const all = notes.clientRecords();
  const wanted = client === undefined ? all : all.filter((record) => record.client === client);
  if (client !== undefined && wanted.length === 0) {
    const known = [...new Set(all.map((record) => record.client))].join(", ") || "none";
    throw new HypError("no_record", `No record of a client "${client}" is read. Records that are: ${known}.`);
  }
  return wanted;
}
