// @ts-check
/** @import { ClientRegistration } from "hypaware/plugin" */

/**
 * How `hyp run __NAME__` starts the program, and how a person points it here for good.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {ClientRegistration}
 */
export function client(env) {
  return {
    name: "__NAME__",
    defaultUpstream: "__NAME__",
    launch: ({ endpoint, args }) => ({
      command: env["HYP___ENV___BIN"] || "__NAME__",
      args,
      env: { __ENV___BASE_URL: endpoint },
    }),
    // Exit codes. An adapter that writes the client's own settings gives back every byte of them at detach.
    attach({ endpoint, stderr }) {
      stderr.write(`No settings are written. Set __ENV___BASE_URL=${endpoint}\n`);
      return 1;
    },
    detach({ stderr }) {
      stderr.write("No settings were written. Remove __ENV___BASE_URL from your environment.\n");
      return 1;
    },
  };
}
