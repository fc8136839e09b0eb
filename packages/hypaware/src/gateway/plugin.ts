import type { PluginModule } from "../contract/plugin.ts";
import type { AiGatewayRegistry } from "./capability.ts";

/**
 * Plugin `@hypaware/ai-gateway`: gives every plugin that asks its own view of the registry. The registry arrives from
 * outside, because each process looks at it for another purpose and knows the gateway's address by another way.
 */
export function gatewayPlugin(registry: AiGatewayRegistry): PluginModule {
  return {
    // Parsing needs the schema library, which a start without a config file should not load.
    configSection: async (section) => (await import("./config.ts")).parseGatewayConfig(section).findings,
    activate(context) {
      context.provideCapabilityPerPlugin("hypaware.ai-gateway", "2.0.0", (consumer) =>
        registry.viewFor(consumer),
      );
    },
  };
}
