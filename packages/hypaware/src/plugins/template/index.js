// @ts-check
/** @import { AiGateway, PluginContext } from "hypaware/plugin" */
import { client } from "./client.js";
import { preset } from "./preset.js";
import { projector } from "./projector.js";

/**
 * Called once in each process of HypAware. Registers, and does nothing else: no file, no timer, no request.
 *
 * @param {PluginContext} context
 */
export function activate(context) {
  /** @type {AiGateway} */
  const gateway = context.requireCapability("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(preset);
  gateway.registerExchangeProjector(projector);
  gateway.registerClient(client(context.env));
}
