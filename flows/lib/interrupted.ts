import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { FlowContext } from "./flow.ts";
import { eventually } from "./process.ts";

/** A client that `hyp run` started is interrupted at its terminal in the middle of an answer. `asked`: how often it has asked so far. */
export async function interrupted(
  ctx: FlowContext,
  { env, project }: { readonly env: Readonly<Record<string, string>>; readonly project: string },
  args: readonly string[],
  { asked, afterMs }: { readonly asked: () => number; readonly afterMs: number },
): Promise<void> {
  const before = asked();
  const running = ctx.startHyp(["run", ...args], { env, cwd: project });
  await eventually("the client asks", () => asked() > before || undefined);
  await sleep(afterMs);
  process.kill(-running.pid, "SIGINT");
  await running.exited;
}
