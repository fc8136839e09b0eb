// The shape of `hyp status --json` in words that a machine can check; docs/status.schema.json is made of it.

import { z } from "zod";

const name = z.string();
const count = z.int().min(0);
/** ISO 8601. */
const time = z.iso.datetime().nullable();

export const STATUS_REPORT = z.strictObject({
  overall: z.enum(["healthy", "degraded"]),
  config: z.strictObject({ path: name, exists: z.boolean(), valid: z.boolean() }),
  active_plugins: z.array(z.strictObject({ name })),
  daemon: z.strictObject({
    installed: z.boolean(),
    loaded: z.boolean(),
    running: z.boolean(),
    state: z.enum(["unknown", "starting", "healthy", "degraded", "stopping", "stopped"]),
    pid: z.int().nullable(),
    mode: z.string().nullable(),
    run_id: z.string().nullable(),
    platform: z.string(),
    address: z.url().nullable(),
  }),
  sources: z.array(z.strictObject({ name, plugin: name, state: name, error: z.string().optional() })),
  sinks: z.array(z.never()),
  clients: z.array(name),
  client_attach: z.array(
    z.strictObject({
      name,
      configured: z.boolean(),
      attached: z.boolean(),
      settings_path: z.string().optional(),
      version: z.string().optional(),
      port: z.int().optional(),
      error: z.string().optional(),
      installed: z.boolean().optional(),
      exchanges: count,
      last_exchange_at: time,
      entrypoints: z.array(name),
      last_record_at: time,
    }),
  ),
  seen: z.array(
    z.strictObject({
      client: z.string().nullable(),
      exchanges: count,
      last_at: time,
      entrypoints: z.array(name),
    }),
  ),
  datasets: z.array(z.strictObject({ name, plugin: name })),
  history: z.strictObject({
    exchanges: count,
    rows: count,
    unprojected: count,
    quarantined: count,
    journal_bytes: count,
    store_bytes: count,
    last_exchange_at: time,
  }),
  cache: z.strictObject({
    dir: z.string(),
    retention_days: z.number().nullable(),
    retention_source: z.enum(["config", "default"]),
    size_bytes: count,
    oldest_partition_date: z.string().nullable(),
  }),
  records: z.array(z.strictObject({ client: name, sessions: count, messages: count, differences: count })),
  recent_error_count: count,
  diagnostics: z.array(
    z.strictObject({
      severity: z.enum(["error", "warning"]),
      kind: name,
      message: z.string(),
      repair: z.array(z.string()),
      pointer: z.string().optional(),
    }),
  ),
});
