import type { AiGateway, PluginContext } from "../../contract/plugin.ts";
import { claudeClient } from "./client.ts";
import { anthropicPreset } from "./preset.ts";
import { claudeProjector } from "./projector.ts";

/** Plugin `@hypaware/claude`: carries Claude Code's traffic, and that of every program that speaks to Anthropic's API. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(anthropicPreset);
  gateway.registerExchangeProjector(claudeProjector);
  gateway.registerClient(claudeClient(context.env));
}
