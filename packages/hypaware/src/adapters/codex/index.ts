import type { AiGateway, PluginContext } from "../../contract/plugin.ts";
import { codexClient } from "./client.ts";
import { chatgptPreset, openaiPreset } from "./presets.ts";
import { codexProjector } from "./projector.ts";

/** Plugin `@hypaware/codex`: carries Codex's traffic, and that of every program that speaks to OpenAI's APIs. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(openaiPreset);
  gateway.registerUpstreamPreset(chatgptPreset);
  gateway.registerExchangeProjector(codexProjector);
  gateway.registerClient(codexClient(context.env));
}
