import { HypError } from "../contract/errors.ts";
import type {
  AttachContext,
  CapabilityConsumer,
  ClientContext,
  ClientSettings,
  Json,
  JsonObject,
  Settings,
} from "../contract/plugin.ts";
import type { Observer, Span } from "../kernel/telemetry.ts";
import type { Attached } from "./attach-file.ts";
import type { Detached } from "./detach-file.ts";
import type { Surroundings } from "./overrides.ts";
import { undoRecords } from "./undo-record.ts";

export interface SettingsHost {
  /** The state folder of the home. */
  readonly state: string;
  /** Absolute path of the command that hooks call. */
  readonly hyp: string;
  readonly observer: Observer;
  readonly env: Surroundings["env"];
  /** Where the person stands. */
  readonly folder?: string;
  readonly now?: () => Date;
}

export interface SettingsRegistry {
  /** The capability's value for one plugin. */
  viewFor(consumer: CapabilityConsumer): Settings;
}

/** Capability `hypaware.settings` 1.0.0. What it needs for editing is loaded when somebody attaches. */
export function createSettings(host: SettingsHost): SettingsRegistry {
  const { state, hyp, env, folder = process.cwd(), now = () => new Date() } = host;
  const around = { env, folder };
  const records = undoRecords(state);
  return {
    viewFor: ({ plugin }) => ({
      attachable: (settings) => ({
        attach: (context) =>
          observed(host, plugin, "attach", settings, context, async () => {
            const { attachFile } = await import("./attach-file.ts");
            return attachFile(settings, { context, records, hyp, now, around });
          }),
        detach: (context) =>
          observed(host, plugin, "detach", settings, context, async () => {
            const { detachFile } = await import("./detach-file.ts");
            return detachFile(settings, { records, dryRun: context.dryRun === true });
          }),
        status: async () => (await import("./client-status.ts")).clientStatus(settings, around),
      }),
    }),
  };
}

/** Does it inside its span, tells the log and the person. Resolves with the exit code. */
function observed(
  { observer: { telemetry, log } }: Pick<SettingsHost, "observer">,
  plugin: string,
  action: "attach" | "detach",
  settings: ClientSettings,
  context: ClientContext | AttachContext,
  run: () => Promise<Attached | Detached>,
): Promise<number> {
  const { client } = settings;
  const dryRun = context.dryRun === true;
  const attributes = {
    hyp_plugin: plugin,
    hyp_operation: `client.${action}`,
    client_name: client,
    hyp_client: client,
    dry_run: dryRun,
    restored: false,
  };
  return telemetry.span(`client.${action}`, attributes, async (span: Span) => {
    try {
      const done = await run();
      const written: JsonObject = {
        hyp_plugin: plugin,
        hyp_client: client,
        [settings.pathKey]: done.path,
        ...("port" in done && { port: done.port }),
        changed: done.changed,
      };
      if (action === "detach") span.set({ restored: done.changed });
      if (!dryRun) log.info(`client.${action}.write`, written);
      // Loaded with what it reports.
      (await import("./report.ts")).report(settings, context, done);
      return 0;
    } catch (error) {
      if (!(error instanceof HypError)) throw error;
      span.set({ status: "failed", error_kind: error.code });
      // A trial leaves no trace, not in the log either.
      if (!dryRun)
        log.warn(`client.${action}.failed`, {
          hyp_plugin: plugin,
          hyp_client: client,
          error_kind: error.code,
        });
      if (context.json === true) {
        const failed: Record<string, Json> = { status: "failed", action, client, dry_run: dryRun };
        const why = { error_kind: error.code, error: error.message, next: error.next };
        context.stdout.write(`${JSON.stringify({ ...failed, ...why })}\n`);
      } else context.stderr.write(`hyp: ${error.message}\n     ${error.next}\n`);
      return 1;
    }
  });
}
