import { join } from "node:path";
import type {
  AiGateway,
  JsonObject,
  Notes,
  PluginContext,
  SectionFinding,
  Settings,
} from "../../contract/plugin.ts";
import { anthropicPreset } from "../../protocols/anthropic/upstream.ts";
import { claudeLaunch } from "./client.ts";
import { readContextLine } from "./hook/session-context.ts";
import { STATE_FILE } from "./hook/state-file.ts";
import { claudeProjector } from "./projector.ts";
import { transcripts } from "./transcript/record.ts";
import { claudeSettings } from "./settings.ts";

/** Plugin `@hypaware/claude`: carries Claude Code's traffic. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(anthropicPreset);
  gateway.registerExchangeProjector(claudeProjector);
  const settings = context.requireCapability<Settings>("hypaware.settings", "^1.0.0");
  const { env, plugin, paths } = context;
  gateway.registerClient({
    name: "claude",
    defaultUpstream: "anthropic",
    launch: claudeLaunch(env),
    ...settings.attachable(claudeSettings({ env, version: plugin.version, stateDir: paths.stateDir })),
  });
  const notes = context.requireCapability<Notes>("hypaware.notes", "^1.0.0");
  notes.registerSessionContextSource({
    name: "claude-hooks",
    file: join(context.paths.stateDir, STATE_FILE),
    parse: readContextLine,
  });
  notes.registerClientRecord({
    ...transcripts(context.env),
    isFollowed: context.config["transcripts"] !== false,
  });
}

export function configSection(section: JsonObject): readonly SectionFinding[] {
  return Object.entries(section).flatMap(([name, value]): SectionFinding[] => {
    // Of older configs; it never had an effect.
    if (name === "proxy") return [];
    const isKnown = name === "transcripts";
    if (isKnown && typeof value === "boolean") return [];
    const message = isKnown ? "expected boolean" : `unknown key "${name}". There is: transcripts`;
    return [{ severity: "error", pointer: `/${name}`, message }];
  });
}
