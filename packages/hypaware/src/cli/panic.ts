import type { Command } from "commander";
import type { HomePaths } from "../contract/home.ts";
import { type ServiceManager, serviceManager } from "../service/service-manager.ts";
import { endDaemon, runningDaemon } from "../daemon/running-daemon.ts";
import { resolveHome } from "../kernel/home.ts";
import type { CliContext } from "./context.ts";
import { type ClientDetached, detachAll, detachedText } from "./detach-all.ts";

/** No stop is waited for as long as a polite one: a person wants out. Running answers get this much. */
const POLITE_MS = 3_000;

export function registerPanic(program: Command, context: CliContext): void {
  program
    .command("panic")
    .description(
      "take HypAware out of the way: detach every client, end daemon and service. Asks nothing, deletes no history",
    )
    .option("--dry-run", "say what would be done")
    .option("--json", "machine-readable")
    .addHelpText(
      "after",
      `
Works without a daemon, with a broken config and with a daemon that hangs. Exits with 0 when everything is out of the way, with 1
and a list when something is left. Back again: hyp daemon start, hyp attach <client>.

Examples:
  hyp panic
  hyp panic --dry-run
`,
    )
    .action((options: { dryRun?: boolean; json?: boolean }) => panic(context, options));
}

interface Step {
  readonly step: string;
  /** `nothing`: there was nothing to do. `left`: it is still in the way. */
  readonly outcome: "done" | "would" | "nothing" | "left";
  readonly detail: string;
}

/** Each step is on its own: what fails in one must not keep the others from being done. */
async function panic(
  context: CliContext,
  { dryRun = false, json = false }: { readonly dryRun?: boolean; readonly json?: boolean },
): Promise<void> {
  const { paths } = resolveHome(context.env);
  const steps: Step[] = [];
  const tell = (step: Step): void => {
    steps.push(step);
    if (!json) context.stdout.write(`${step.step}: ${step.detail}\n`);
  };
  const work: readonly (readonly [string, () => Promise<readonly Step[]>])[] = [
    ["clients", () => detach(context, dryRun)],
    ["service", () => endService(paths, context, dryRun)],
    ["daemon", () => end(paths, dryRun)],
  ];
  for (const [step, run] of work)
    for (const each of await run().catch((error: unknown) => [failed(step, error)])) tell(each);
  const left = steps.filter(({ outcome }) => outcome === "left");
  context.exitCode = left.length > 0 ? 1 : 0;
  if (json)
    context.stdout.write(`${JSON.stringify({ dry_run: dryRun, out: left.length === 0, steps }, null, 2)}\n`);
  else if (left.length > 0)
    context.stderr.write(
      `hyp: still in the way:\n${left.map(({ step, detail }) => `  ${step}: ${detail}\n`).join("")}`,
    );
  else if (!dryRun)
    context.stdout.write(`HypAware is out of the way. What was recorded stays in ${paths.state}\n`);
}

const failed = (step: string, error: unknown): Step => ({
  step,
  outcome: "left",
  detail: error instanceof Error ? error.message : String(error),
});

async function detach({ env }: CliContext, dryRun: boolean): Promise<readonly Step[]> {
  const clients = await detachAll(env, { dryRun });
  return clients.map((client) => ({
    step: client.client,
    outcome: OUTCOMES[client.status](dryRun),
    detail: client.status === "detached" && dryRun ? "would be detached" : detachedText(client),
  }));
}

const OUTCOMES: Readonly<Record<ClientDetached["status"], (dryRun: boolean) => Step["outcome"]>> = {
  detached: (dryRun) => (dryRun ? "would" : "done"),
  not_attached: () => "nothing",
  failed: () => "left",
};

async function endService(paths: HomePaths, { env }: CliContext, dryRun: boolean): Promise<readonly Step[]> {
  const manager = ownManager(env);
  const home = manager?.home();
  const step = "service";
  if (manager === undefined || home === undefined)
    return [{ step, outcome: "nothing", detail: "none is installed" }];
  if (home !== paths.home) return [{ step, outcome: "nothing", detail: `is of another home, ${home}` }];
  if (dryRun) return [{ step, outcome: "would", detail: "would be stopped, also for the next sign-in" }];
  if (!(await manager.isAvailable()))
    // Nobody starts it now; only the next sign-in would.
    return [{ step, outcome: "left", detail: `its manager does not answer; remove ${manager.targetPath}` }];
  await manager.disable();
  return [{ step, outcome: "done", detail: "stopped, also for the next sign-in" }];
}

function ownManager(env: NodeJS.ProcessEnv): ServiceManager | undefined {
  const { platform } = process;
  return platform === "linux" || platform === "darwin" ? serviceManager(platform, env) : undefined;
}

async function end(paths: HomePaths, dryRun: boolean): Promise<readonly Step[]> {
  const step = "daemon";
  const running = runningDaemon(paths);
  if (running === undefined) return [{ step, outcome: "nothing", detail: "none is running" }];
  const who = running.pid === undefined ? "" : ` (pid ${running.pid})`;
  if (dryRun) return [{ step, outcome: "would", detail: `would be stopped${who}` }];
  const result = await endDaemon(paths, { waitMs: POLITE_MS, kill: true });
  if (result === "left")
    return [
      {
        step,
        outcome: "left",
        detail: `still holds ${paths.daemonLock}${who || "; which process it is, is not known"}`,
      },
    ];
  const detail = result === "killed" ? `killed${who}: it did not end by itself` : `stopped${who}`;
  return [{ step, outcome: "done", detail }];
}
