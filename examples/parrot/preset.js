// @ts-check
/** @import { UpstreamPreset } from "hypaware/plugin" */

/**
 * Where requests below the prefix go; the path is passed on as it is. A person overrides it by an upstream of this name in the config.
 *
 * @type {UpstreamPreset}
 */
export const preset = {
  name: "parrot",
  base_url: "https://api.parrot.example",
  provider: "parrot",
  path_prefix: "/parrot/v1",
};
