import type { AiGateway, PluginContext } from "../../contract/plugin.ts";
import { anthropicPreset } from "../../protocols/anthropic/upstream.ts";
import { openaiPreset } from "../../protocols/openai-upstream.ts";
import { anthropicProjector } from "./anthropic.ts";
import { openaiProjector } from "./openai.ts";

/** Plugin `@hypaware/raw`: carries every program that speaks Anthropic's or OpenAI's APIs, for which no other adapter is made. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  // The same as those of the adapters for the providers' own clients: either may run alone.
  gateway.registerUpstreamPreset(anthropicPreset);
  gateway.registerUpstreamPreset(openaiPreset);
  gateway.registerExchangeProjector(anthropicProjector);
  gateway.registerExchangeProjector(openaiProjector);
}
