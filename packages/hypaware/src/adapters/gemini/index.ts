import type { AiGateway, PluginContext } from "../../contract/plugin.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
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
}
