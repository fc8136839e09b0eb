import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { postMessage } from "@hypaware/testkit";
import { CLIENT_CASES } from "./diagnoses/client-cases.ts";
import { CONFIG_CASES } from "./diagnoses/config-cases.ts";
import { HISTORY_CASES } from "./diagnoses/history-cases.ts";
import { PLUGIN_CASES } from "./diagnoses/plugin-cases.ts";
import { SERVICE_CASES } from "./diagnoses/service-cases.ts";
import { withAdapters } from "./lib/configs.ts";
import { Patient, diagnose } from "./lib/diagnosis.ts";
import type { FlowContext } from "./lib/flow.ts";

export const title = "every kind of finding of hyp status is found, and gone once its repair was run";
export const timeoutMs = 400_000;

const HYP = fileURLToPath(new URL("../packages/hypaware/bin/hyp.js", import.meta.url));
const CASES = [...HISTORY_CASES, ...CONFIG_CASES, ...CLIENT_CASES, ...PLUGIN_CASES, ...SERVICE_CASES];
/** Some wait most of the time. */
const AT_ONCE = 3;

export default async function statusDiagnostics(ctx: FlowContext): Promise<void> {
  Patient.installCommand(ctx, HYP);
  const provider = await ctx.fakeProvider();
  await healthy(new Patient(ctx, "healthy", provider));
  await treated(new Patient(ctx, "treated", provider));
  const waiting = [...CASES];
  const work = async (): Promise<void> => {
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift())
      await diagnose(new Patient(ctx, each.kind, provider), each);
  };
  // One that fails does not take the folder from under the others.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
  ctx.note(`${CASES.length} kinds found and repaired`);
}

async function healthy(patient: Patient): Promise<void> {
  patient.writeConfig(withAdapters(patient.provider));
  const daemon = await patient.startDaemon();
  await postMessage(daemon.url, "hello");
  const { overall, diagnostics } = await patient.status();
  assert.deepEqual([overall, diagnostics], ["healthy", []]);
  const { code, stdout } = await patient.hyp("doctor");
  assert.equal(code, 0);
  assert.match(stdout, /Nothing needs attention/);
  await daemon.stop();
}

/** What is safe is run once the person agrees, and nothing before. */
async function treated(patient: Patient): Promise<void> {
  patient.writeConfig({ version: 2, plugins: [{ name: "@hypaware/claude" }] });
  const before = readFileSync(patient.configPath, "utf8");
  for (const args of [["doctor"], ["doctor", "--dry-run"]]) {
    const { code, stdout } = await patient.hyp(...args);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /repair: hyp config enable @hypaware\/ai-gateway/);
    assert.equal(readFileSync(patient.configPath, "utf8"), before);
  }
  const { code, stdout, stderr } = await patient.hyp("doctor", "--yes");
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /> hyp config enable @hypaware\/ai-gateway\n[^]*Nothing needs attention/);
  assert.deepEqual((await patient.status()).diagnostics, []);
}
