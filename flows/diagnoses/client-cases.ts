import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withAdapters } from "../lib/configs.ts";
import type { DiagnosisCase, Patient } from "../lib/diagnosis.ts";

export const CLIENT_CASES: readonly DiagnosisCase[] = [
  {
    kind: "client_attach_missing",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      mkdirSync(join(patient.user, ".claude"));
      await patient.startDaemon();
    },
  },
  {
    kind: "hook_outdated",
    async arrange(patient) {
      await attached(patient);
      const settings = join(patient.user, ".claude", "settings.json");
      const text = readFileSync(settings, "utf8");
      writeFileSync(settings, text.replace(/--state-file [^"]+/g, "--port 8787"));
    },
  },
  {
    kind: "features_lost",
    async arrange(patient) {
      await attached(patient);
      const settings = join(patient.user, ".claude", "settings.json");
      const values = JSON.parse(readFileSync(settings, "utf8")) as { env: Record<string, string> };
      delete values.env["ENABLE_TOOL_SEARCH"];
      writeFileSync(settings, JSON.stringify(values));
    },
  },
  {
    kind: "env_override",
    async arrange(patient) {
      await attached(patient);
      const env = { ANTHROPIC_BASE_URL: "https://elsewhere.example" };
      mkdirSync(join(patient.home, ".claude"));
      writeFileSync(join(patient.home, ".claude", "settings.json"), JSON.stringify({ env }));
    },
    // Whether the project's own word goes is the person's choice.
    choose: (command) => command.replace(/^Remove \S+ from (.*)$/, "rm '$1'"),
  },
];

/** The real client's settings point at a running gateway. */
async function attached(patient: Patient): Promise<void> {
  patient.writeConfig(withAdapters(patient.provider));
  mkdirSync(join(patient.user, ".claude"));
  await patient.startDaemon();
  const { code, stdout, stderr } = await patient.hyp("attach", "claude");
  assert.equal(code, 0, stdout + stderr);
}
