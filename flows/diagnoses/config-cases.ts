import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatewayOnly, withAdapters } from "../lib/configs.ts";
import type { DiagnosisCase } from "../lib/diagnosis.ts";
import { carryOne } from "./carry-one.ts";

const GATEWAY = "@hypaware/ai-gateway";

export const CONFIG_CASES: readonly DiagnosisCase[] = [
  {
    kind: "config_missing",
    async arrange(patient) {
      patient.env["HYP_CONFIG"] = join(patient.home, "named.json");
    },
  },
  {
    kind: "config_unreadable",
    arrange: async (patient) => writeFileSync(patient.configPath, '{ "version": 2, '),
  },
  {
    kind: "config_invalid",
    arrange: async (patient) =>
      patient.writeConfig({ version: 2, plugins: [{ name: GATEWAY }, { name: "@hypaware/cluade" }] }),
  },
  {
    kind: "client_without_gateway",
    arrange: async (patient) => patient.writeConfig({ version: 2, plugins: [{ name: "@hypaware/claude" }] }),
  },
  {
    kind: "port_taken",
    async arrange(patient) {
      const other = createServer().listen(0, "127.0.0.1").unref();
      await new Promise((resolve) => other.once("listening", resolve));
      const { port } = other.address() as AddressInfo;
      patient.writeConfig(withAdapters(patient.provider, `127.0.0.1:${port}`));
    },
  },
  {
    kind: "gateway_without_projector",
    async arrange(patient) {
      patient.writeConfig(gatewayOnly(patient.provider));
      await carryOne(patient);
    },
  },
  {
    kind: "preset_overlap",
    arrange: async (patient) =>
      patient.writeConfig(
        withAdapters(patient.provider, "127.0.0.1:0", {
          upstreams: [
            { name: "one", base_url: patient.provider.url, path_prefix: "/x" },
            { name: "two", base_url: patient.provider.url, path_prefix: "/x" },
          ],
        }),
      ),
  },
];
