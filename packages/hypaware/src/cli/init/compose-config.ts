import { GATEWAY_PLUGIN } from "../../app.ts";
import { DEFAULT_GATEWAY_CONFIG } from "../../gateway/config-defaults.ts";
import type { Choices } from "./choices.ts";
import type { Offer } from "./offer.ts";

/** An entry that says nothing but a name has one line. */
const LONE_NAME = /\{\s+("name": "[^"]*")\s+\}/g;

/** The text of the config file: the gateway on its default address, and the plugins of the chosen sources. */
export function composeConfig({ sources, retentionDays }: Choices, offer: Offer): string {
  const wanted = new Set(
    offer.sources.filter(({ name }) => sources.includes(name)).map(({ plugin }) => plugin),
  );
  const company = offer.plugins.filter(({ accompanies = [] }) =>
    accompanies.some((name) => wanted.has(name)),
  );
  for (const { name } of company) wanted.add(name);
  const { host, port } = DEFAULT_GATEWAY_CONFIG.listen;
  const config = {
    version: 2,
    plugins: [
      { name: GATEWAY_PLUGIN, config: { listen: `${host}:${port}` } },
      ...[...wanted].map((name) => ({ name })),
    ],
    ...(retentionDays !== undefined && { query: { cache: { retention: { default_days: retentionDays } } } }),
  };
  return `${JSON.stringify(config, null, 2).replace(LONE_NAME, "{ $1 }")}\n`;
}
