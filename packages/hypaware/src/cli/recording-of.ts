import type { App } from "../app.ts";
import type { Recording } from "../daemon/record-exchange.ts";

/** What it takes to record, but for the store. */
export const recordingOf = ({
  registry,
  notes,
  gatewayConfig,
  log,
  telemetry,
}: App): Omit<Recording, "catalog" | "paths"> => ({
  projectors: registry.projectors(),
  contextSources: notes.sessionContexts(),
  clientRecords: notes.clientRecords(),
  gatewayId: gatewayConfig.gatewayId,
  log,
  telemetry,
});
