import type { AiGateway, PluginContext } from "../../contract/plugin.ts";
import { chatgptPreset, openaiPreset } from "./presets.ts";

/** Plugin `@hypaware/codex`: routes OpenAI's API and the ChatGPT backend. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(openaiPreset);
  gateway.registerUpstreamPreset(chatgptPreset);
}
