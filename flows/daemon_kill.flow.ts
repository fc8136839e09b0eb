import type { FlowContext } from "./lib/flow.ts";
import { killUnderLoad } from "./lib/kill-run.ts";

export const title = "kill -9 of the daemon, ten times under 32 streams, loses nothing that was 250 ms old";
export const timeoutMs = 180_000;

export default function daemonKill(ctx: FlowContext): Promise<void> {
  return killUnderLoad(ctx, { kills: 10, lifetime: (kill) => 700 + (kill % 3) * 130 });
}
