import type { AiGateway, JsonObject, Notes, PluginContext, SectionFinding } from "../../contract/plugin.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { geminiChats } from "./chat/record.ts";
import { geminiClient } from "./client.ts";
import { codeAssistPreset } from "./preset.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";

/** Plugin `@hypaware/gemini`: carries Gemini CLI's traffic, and that of every program that speaks Google's Gemini API. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(codeAssistPreset);
  gateway.registerUpstreamPreset(geminiPreset);
  gateway.registerExchangeProjector(geminiProjector);
  gateway.registerExchangeProjector(generateContentProjector);
  gateway.registerClient(geminiClient(context.env));
  const notes = context.requireCapability<Notes>("hypaware.notes", "^1.0.0");
  notes.registerClientRecord({ ...geminiChats(context.env), isFollowed: context.config["chats"] !== false });
}

export function configSection(section: JsonObject): readonly SectionFinding[] {
  return Object.entries(section).flatMap(([name, value]): SectionFinding[] => {
    const isKnown = name === "chats";
    if (isKnown && typeof value === "boolean") return [];
    const message = isKnown ? "expected boolean" : `unknown key "${name}". There is: chats`;
    return [{ severity: "error", pointer: `/${name}`, message }];
  });
}
