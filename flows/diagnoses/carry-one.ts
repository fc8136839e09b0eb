import { postMessage } from "@hypaware/testkit";
import type { Patient } from "../lib/diagnosis.ts";

/** One exchange is carried and stored, and the daemon is gone again. */
export async function carryOne(patient: Patient): Promise<void> {
  const daemon = await patient.startDaemon();
  await postMessage(daemon.url, "hello");
  await patient.hyp("query", "refresh");
  await daemon.stop();
}
