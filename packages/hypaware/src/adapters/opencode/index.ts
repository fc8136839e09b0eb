import type {
  AiGateway,
  JsonObject,
  Notes,
  PluginContext,
  SectionFinding,
  Settings,
} from "../../contract/plugin.ts";
import { anthropicPreset } from "../../protocols/anthropic/upstream.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { openaiPreset } from "../../protocols/openai-upstream.ts";
import { opencodeLaunch } from "./client.ts";
import { opencodeProjector } from "./projector.ts";
import { opencodeDatabase } from "./record.ts";
import { opencodeSettings } from "./settings.ts";

/** Plugin `@hypaware/opencode`: carries opencode's traffic, whichever of these providers it talks to. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  // The same as those of the adapters for the providers' own clients: either may run alone.
  for (const preset of [anthropicPreset, openaiPreset, geminiPreset]) gateway.registerUpstreamPreset(preset);
  gateway.registerExchangeProjector(opencodeProjector);
  const settings = context.requireCapability<Settings>("hypaware.settings", "^1.0.0");
  const options = { env: context.env, version: context.plugin.version };
  gateway.registerClient({
    name: "opencode",
    defaultUpstream: "anthropic",
    launch: opencodeLaunch(context.env),
    ...settings.attachable(opencodeSettings(options)),
  });
  const notes = context.requireCapability<Notes>("hypaware.notes", "^1.0.0");
  notes.registerClientRecord({
    ...opencodeDatabase(context.env),
    isFollowed: context.config["database"] !== false,
  });
}

export function configSection(section: JsonObject): readonly SectionFinding[] {
  return Object.entries(section).flatMap(([name, value]): SectionFinding[] => {
    const isKnown = name === "database";
    if (isKnown && typeof value === "boolean") return [];
    const message = isKnown ? "expected boolean" : `unknown key "${name}". There is: database`;
    return [{ severity: "error", pointer: `/${name}`, message }];
  });
}
