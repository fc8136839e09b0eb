// @ts-check
/** @import { UpstreamPreset } from "hypaware/plugin" */

/**
 * Where requests below the prefix go; the path is passed on as it is. A person overrides it by an upstream of this name in the config.
 *
 * @type {UpstreamPreset}
 */
export const preset = {
  name: "__NAME__",
  base_url: "https://api.__NAME__.example",
  provider: "__NAME__",
  path_prefix: "/__NAME__/v1",
};
