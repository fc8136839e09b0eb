import type { AiGateway, JsonObject, Notes, PluginContext, SectionFinding } from "../../contract/plugin.ts";
import { anthropicPreset } from "../../protocols/anthropic/upstream.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { openaiPreset } from "../../protocols/openai-upstream.ts";
import { opencodeClient } from "./client.ts";
import { opencodeProjector } from "./projector.ts";
import { opencodeDatabase } from "./record.ts";

/** Plugin `@hypaware/opencode`: carries opencode's traffic, whichever of these providers it talks to. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  // The same as those of the adapters for the providers' own clients: either may run alone.
  for (const preset of [anthropicPreset, openaiPreset, geminiPreset]) gateway.registerUpstreamPreset(preset);
  gateway.registerExchangeProjector(opencodeProjector);
  gateway.registerClient(opencodeClient(context.env));
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
