// @ts-check
/** @import { ClientRegistration } from "hypaware/plugin" */

/**
 * How `hyp run parrot` starts the program, and how a person points it here for good.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {ClientRegistration}
 */
export function client(env) {
  return {
    name: "parrot",
    defaultUpstream: "parrot",
    launch: ({ endpoint, args }) => ({
      command: env["HYP_PARROT_BIN"] || "parrot",
      args,
      env: { PARROT_BASE_URL: endpoint },
    }),
    // Exit codes. An adapter that writes the client's own settings gives back every byte of them at detach.
    attach({ endpoint, stderr }) {
      stderr.write(`No settings are written. Set PARROT_BASE_URL=${endpoint}\n`);
      return 1;
    },
    detach({ stderr }) {
      stderr.write("No settings were written. Remove PARROT_BASE_URL from your environment.\n");
      return 1;
    },
  };
}
