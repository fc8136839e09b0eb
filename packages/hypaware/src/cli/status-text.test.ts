import { expect, test } from "vitest";
import type { StatusReport } from "../status/report.ts";
import { statusText } from "./status-text.ts";

const NOW = new Date("2026-03-02T12:00:00Z");

const REPORT: StatusReport = {
  overall: "degraded",
  config: { path: "/h/hypaware-config.json", exists: true, valid: true },
  active_plugins: [{ name: "@hypaware/ai-gateway" }],
  daemon: {
    installed: true,
    loaded: false,
    running: true,
    state: "healthy",
    pid: 7,
    mode: "foreground",
    run_id: "r",
    platform: "linux",
    address: "http://127.0.0.1:18521",
  },
  sources: [],
  sinks: [],
  clients: ["one", "two"],
  client_attach: [
    {
      name: "one",
      configured: true,
      attached: true,
      port: 18521,
      exchanges: 12,
      last_exchange_at: "2026-03-02T11:57:00Z",
      entrypoints: ["cli", "vscode"],
      last_record_at: "2026-03-02T10:00:00Z",
    },
    {
      name: "two",
      configured: true,
      attached: false,
      installed: false,
      exchanges: 0,
      last_exchange_at: null,
      entrypoints: [],
      last_record_at: null,
    },
  ],
  seen: [
    { client: "one", exchanges: 12, last_at: "2026-03-02T11:57:00Z", entrypoints: ["cli", "vscode"] },
    { client: null, exchanges: 1, last_at: "2026-02-27T11:57:00Z", entrypoints: [] },
  ],
  datasets: [],
  history: {
    exchanges: 13,
    rows: 40,
    unprojected: 0,
    quarantined: 0,
    journal_bytes: 2048,
    store_bytes: 4096,
    last_exchange_at: "2026-03-02T11:57:00Z",
  },
  cache: {
    dir: "/h/store",
    retention_days: null,
    retention_source: "default",
    size_bytes: 4096,
    oldest_partition_date: null,
  },
  records: [{ client: "one", sessions: 1, messages: 9, differences: 2 }],
  recent_error_count: 0,
  diagnostics: [
    { severity: "warning", kind: "quarantined", message: "1 exchange", repair: ["hyp reproject --yes"] },
  ],
};

test("a person sees per client what its settings say, what came through, and how new its record is", () => {
  const lines = statusText(REPORT, NOW).split("\n");
  expect(lines).toContain(
    "    one: attached to port 18521; 12 exchanges by cli, vscode, last 3 minutes ago; own record 2 hours ago",
  );
  expect(lines).toContain("    two: not on this machine; no traffic seen");
  expect(lines).toContain("    unnamed client: 1 exchanges, last 3 days ago");
  expect(lines).toContain(
    "    one's own record: 1 session, 9 messages of the last day, 2 differences (hyp verify one)",
  );
  expect(lines).toContain("  service:    installed, not loaded");
  expect(lines).toContain("    [WARN ] quarantined: 1 exchange");
  expect(lines).toContain("            repair: hyp reproject --yes");
});
