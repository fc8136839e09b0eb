import type { CapabilityConsumer, Notes, PluginModule, Settings } from "../contract/plugin.ts";
import type { AiGatewayRegistry } from "./capability.ts";

/**
 * Plugin `@hypaware/ai-gateway`: gives every plugin that asks its own view of the registries. They arrive from outside,
 * because each process looks at them for another purpose and knows the gateway's address by another way.
 */
export function gatewayPlugin(
  registry: AiGatewayRegistry,
  notes: { viewFor(consumer: CapabilityConsumer): Notes },
  settings: { viewFor(consumer: CapabilityConsumer): Settings },
): PluginModule {
  return {
    // Parsing needs the schema library, which a start without a config file should not load.
    configSection: async (section) => (await import("./config.ts")).parseGatewayConfig(section).findings,
    activate(context) {
      context.provideCapabilityPerPlugin("hypaware.ai-gateway", "2.0.0", (consumer) =>
        registry.viewFor(consumer),
      );
      context.provideCapabilityPerPlugin("hypaware.notes", "1.0.0", (consumer) => notes.viewFor(consumer));
      context.provideCapabilityPerPlugin("hypaware.settings", "1.0.0", (consumer) =>
        settings.viewFor(consumer),
      );
    },
  };
}
