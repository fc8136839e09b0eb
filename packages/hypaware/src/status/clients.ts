// Per client: where its own settings point, what came through the gateway, and how new its own record is.

import { type Diagnostic, type DiagnosticKind, diagnostic } from "../contract/diagnostics.ts";
import type { ClientAttachment, ClientRegistration } from "../contract/plugin.ts";
import type { AnyClientRecord } from "../contract/record.ts";
import { recordPaths } from "../notes/whole-record.ts";
import type { SeenClient } from "./history.ts";

/** The keys up to `error` are the contract of `hyp status --json`. */
export interface ClientStatus {
  readonly name: string;
  readonly configured: boolean;
  readonly attached: boolean;
  readonly settings_path?: string;
  readonly version?: string;
  readonly port?: number;
  readonly error?: string;
  /** Whether it seems to be on this machine; absent: it cannot be told. */
  readonly installed?: boolean;
  /** Exchanges that came through the gateway, and the start of the last one, ISO 8601. */
  readonly exchanges: number;
  readonly last_exchange_at: string | null;
  readonly entrypoints: readonly string[];
  /** When it last wrote into its own record, ISO 8601. */
  readonly last_record_at: string | null;
}

export interface ClientsFound {
  readonly clients: readonly ClientStatus[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A client's own `status()` is a plugin's: one that throws or returns anything else is shown as unknown. */
export async function clientsFound(
  registered: readonly ClientRegistration[],
  records: readonly AnyClientRecord[],
  seen: readonly SeenClient[],
): Promise<ClientsFound> {
  const found = await Promise.all(
    registered.map(async (client) => {
      const attachment = await attachmentOf(client);
      const mine = records.filter((record) => record.client === client.name);
      return {
        status: statusOf(client.name, attachment, seen, await lastChange(mine)),
        diagnostics: clientDiagnostics(client.name, attachment),
      };
    }),
  );
  return {
    clients: found.map(({ status }) => status),
    diagnostics: found.flatMap(({ diagnostics }) => diagnostics),
  };
}

function statusOf(
  name: string,
  attachment: Partial<ClientAttachment>,
  seen: readonly SeenClient[],
  lastRecordMs: number,
): ClientStatus {
  const { attached = false, settings_path, version, port, error, installed } = attachment;
  const traffic = seen.find(({ client }) => client === name);
  return {
    name,
    configured: true,
    attached,
    ...(settings_path !== undefined && { settings_path }),
    ...(version !== undefined && { version }),
    ...(port !== undefined && { port }),
    ...(error !== undefined && { error }),
    ...(installed !== undefined && { installed }),
    exchanges: traffic?.exchanges ?? 0,
    last_exchange_at: traffic?.last_at ?? null,
    entrypoints: traffic?.entrypoints ?? [],
    last_record_at: lastRecordMs === 0 ? null : new Date(lastRecordMs).toISOString(),
  };
}

async function attachmentOf(client: ClientRegistration): Promise<Partial<ClientAttachment>> {
  const silent = { write: () => true };
  try {
    const told: unknown = await client.status?.({ config: {}, stdout: silent, stderr: silent });
    const isOne =
      typeof told === "object" && told !== null && typeof (told as ClientAttachment).attached === "boolean";
    return isOne ? told : {};
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function lastChange(records: readonly AnyClientRecord[]): Promise<number> {
  const paths = await Promise.all(records.map(recordPaths));
  return paths.flat().reduce((last, { changedMs }) => Math.max(last, changedMs), 0);
}

const CLIENT_KINDS: readonly DiagnosticKind[] = ["hook_outdated", "env_override", "features_lost"];

function clientDiagnostics(name: string, attachment: Partial<ClientAttachment>): readonly Diagnostic[] {
  const { attached, installed, findings = [] } = attachment;
  const missing =
    attached === false && installed === true
      ? [
          diagnostic(
            "client_attach_missing",
            `${name} is on this machine, and its settings do not point at the gateway; only what hyp run starts is recorded.`,
            `hyp attach ${name}`,
          ),
        ]
      : [];
  const told = findings
    .filter(({ kind }) => CLIENT_KINDS.includes(kind))
    .map(({ kind, message, repair }) => diagnostic(kind, message, ...repair));
  return [...missing, ...told];
}
