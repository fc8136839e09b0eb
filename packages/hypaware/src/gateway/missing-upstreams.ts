import type { Finding } from "../contract/errors.ts";
import type { ClientRegistration, UpstreamPreset } from "../contract/plugin.ts";

/** Advice: clients whose upstream is neither configured nor brought by a plugin. Presets count. */
export function missingUpstreams(
  clients: readonly Pick<ClientRegistration, "name" | "defaultUpstream">[],
  upstreams: readonly Pick<UpstreamPreset, "name">[],
): Finding[] {
  return clients
    .filter(({ defaultUpstream }) => upstreams.every(({ name }) => name !== defaultUpstream))
    .map(({ name, defaultUpstream }) => ({
      severity: "warning",
      kind: `gateway_missing_${defaultUpstream}_upstream`,
      pointer: "",
      message: `client "${name}" needs upstream "${defaultUpstream}", which is neither configured nor brought by a plugin`,
    }));
}
