import { AssertionError } from "node:assert";
import type { ExchangeProjector, ExchangeRecord, Projection, ProjectorLog } from "../contract/plugin.ts";
import { named } from "./named.ts";

const silent = (): void => {};
export const SILENT: ProjectorLog = { debug: silent, info: silent, warn: silent, error: silent };

/** What a projector makes of an exchange; `undefined` where it does not match or declines. A throw says where. */
export async function projected(
  projector: ExchangeProjector,
  record: ExchangeRecord,
  index: number,
  log: ProjectorLog = SILENT,
): Promise<Projection | undefined> {
  try {
    return projector.match(record) === true ? await projector.project(record, { log }) : undefined;
  } catch (error) {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new AssertionError({ message: `${projector.name} throws on ${named(record, index)}: ${cause}` });
  }
}
