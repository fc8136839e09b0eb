import type { FakeProvider } from "@hypaware/testkit";

/** The gateway alone: exchanges are kept, nothing makes messages of them. */
export function gatewayOnly(
  provider: Pick<FakeProvider, "url">,
  listen = "127.0.0.1:0",
): { readonly version: 2; readonly plugins: readonly object[] } {
  const upstreams = [{ name: "anthropic", base_url: provider.url, provider: "anthropic" }];
  return { version: 2, plugins: [{ name: "@hypaware/ai-gateway", config: { listen, upstreams } }] };
}

/** The gateway with its adapters, pointed at the fake instead of the provider. */
export function withAdapters(
  provider: Pick<FakeProvider, "url">,
  listen = "127.0.0.1:0",
  gateway: object = {},
): object {
  const upstreams = [{ name: "anthropic", base_url: provider.url }];
  return {
    version: 2,
    plugins: [
      { name: "@hypaware/ai-gateway", config: { listen, upstreams, ...gateway } },
      { name: "@hypaware/claude" },
      { name: "@hypaware/codex" },
    ],
  };
}

/** The gateway with one adapter, each upstream pointed at a fake. */
export function withAdapter(
  adapter: string,
  providers: Readonly<Record<string, Pick<FakeProvider, "url">>>,
): object {
  const upstreams = Object.entries(providers).map(([name, { url }]) => ({ name, base_url: url }));
  return {
    version: 2,
    plugins: [
      { name: "@hypaware/ai-gateway", config: { listen: "127.0.0.1:0", upstreams } },
      { name: `@hypaware/${adapter}` },
    ],
  };
}
