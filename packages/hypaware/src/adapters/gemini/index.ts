import type { AiGateway, PluginContext, Settings } from "../../contract/plugin.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { geminiLaunch } from "./client.ts";
import { codeAssistPreset } from "./preset.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";
import { geminiSettings } from "./settings.ts";

/** Plugin `@hypaware/gemini`: carries Gemini CLI's traffic, and that of every program that speaks Google's Gemini API. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(codeAssistPreset);
  gateway.registerUpstreamPreset(geminiPreset);
  gateway.registerExchangeProjector(geminiProjector);
  gateway.registerExchangeProjector(generateContentProjector);
  const settings = context.requireCapability<Settings>("hypaware.settings", "^1.0.0");
  const options = { env: context.env, version: context.plugin.version };
  gateway.registerClient({
    name: "gemini",
    defaultUpstream: "gemini",
    launch: geminiLaunch(context.env),
    ...settings.attachable(geminiSettings(options)),
  });
}
