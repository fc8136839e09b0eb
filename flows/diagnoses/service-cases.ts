import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { withAdapters } from "../lib/configs.ts";
import type { DiagnosisCase, Patient } from "../lib/diagnosis.ts";

/** Of an account whose service manager knows one unit and starts what the unit says. */
const SYSTEMCTL = `#!/bin/sh
unit="$HOME/.config/systemd/user/hypaware.service"
case " $* " in
  *" show "*Version*) echo "Version=252" ;;
  *" show "*) printf 'LoadState=loaded\\nActiveState=inactive\\nMainPID=0\\n' ;;
  *" start hypaware.s"* | *" restart "*)
    eval "set -- $(sed -n 's/^ExecStart=//p' "$unit")"
    setsid "$@" >/dev/null 2>&1 </dev/null & ;;
esac
`;

const stopDaemon = (patient: Patient): Promise<unknown> => patient.hyp("daemon", "stop");

const CASES: readonly DiagnosisCase[] = [
  {
    kind: "daemon_loaded_no_pid",
    arrange: async (patient) => {
      await serviceInstalled(patient);
      await stopDaemon(patient);
    },
    cleanUp: stopDaemon,
  },
  {
    kind: "daemon_binary_missing",
    async arrange(patient) {
      await serviceInstalled(patient);
      await stopDaemon(patient);
      const unit = join(patient.user, ".config", "systemd", "user", "hypaware.service");
      const text = readFileSync(unit, "utf8");
      writeFileSync(unit, text.replace(/^ExecStart="[^"]*"/m, 'ExecStart="/nowhere/node"'));
    },
    cleanUp: stopDaemon,
  },
];

/** The service managers of other systems are steered by other words. */
export const SERVICE_CASES = process.platform === "linux" ? CASES : [];

async function serviceInstalled(patient: Patient): Promise<void> {
  patient.writeConfig(withAdapters(patient.provider));
  const bin = join(patient.home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "systemctl"), SYSTEMCTL, { mode: 0o755 });
  patient.env["PATH"] = `${bin}:${patient.env["PATH"]}`;
  const { code, stdout, stderr } = await patient.hyp("daemon", "install");
  assert.equal(code, 0, stdout + stderr);
}
