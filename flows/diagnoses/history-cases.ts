import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "../lib/configs.ts";
import { recorderPid } from "../lib/daemon.ts";
import type { DiagnosisCase, Patient } from "../lib/diagnosis.ts";
import { eventually } from "../lib/process.ts";
import { carryOne } from "./carry-one.ts";

export const HISTORY_CASES: readonly DiagnosisCase[] = [
  {
    kind: "recent_errors",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      const recorder = await recorderPid(patient.state);
      process.kill(recorder, "SIGKILL");
      await eventually("another recorder", async () => (await recorderPid(patient.state)) !== recorder);
      const { code, stderr } = await daemon.stop();
      assert.equal(code, 0, stderr);
    },
  },
  {
    kind: "recorder_behind",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      process.kill(await recorderPid(patient.state), "SIGSTOP");
      await postMessage(daemon.url, "unread");
    },
  },
  {
    kind: "journal_gap",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      process.kill(await recorderPid(patient.state), "SIGSTOP");
      await postMessage(daemon.url, "SAY:long 3000 320");
      await sleep(500);
      daemon.process.signal("SIGKILL");
      await daemon.process.exited;
      process.kill(await recorderPid(patient.state), "SIGKILL");
      damageJournal(patient);
      await patient.hyp("query", "refresh");
    },
  },
  {
    kind: "store_damaged",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      await carryOne(patient);
      writeFileSync(join(patient.state, "store", "catalog.sqlite"), "no database ".repeat(1_000));
    },
  },
];

/** A byte in the middle of what was carried: the disk did not keep what it was given. */
function damageJournal({ state }: Patient): void {
  const journal = join(state, "journal");
  for (const name of readdirSync(journal, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".journal")) continue;
    const bytes = readFileSync(join(journal, name));
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = bytes[middle]! ^ 0xff;
    writeFileSync(join(journal, name), bytes);
  }
}
