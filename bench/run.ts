// What it costs to go through us: nothing between, nginx and the daemon in turn, on loopback. The last line sums up.
// Linux only: it reads /proc.
//
//   npm run bench -- [--quick] [--write] [--only SCENARIO]

import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { digits } from "./figures.ts";
import { measure } from "./measure.ts";
import type { Run } from "./measure.ts";
import { guards, markdown } from "./report.ts";
import type { Results } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";
import { nginxVersion, startHypaware, startNginx, startUpstream } from "./targets.ts";
import type { Target } from "./targets.ts";

const ROOT = join(import.meta.dirname, "..");
/** Until what runs is compiled, and the store has more than a few pages. */
const WARM_UPS = 2;
const QUICK_REPETITIONS = 3;
const REPETITIONS = 5;

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, write: { type: "boolean" }, only: { type: "string" } },
});
if (process.platform !== "linux") stop("The bench reads /proc, which this system does not have.");
if (!existsSync(join(ROOT, "packages", "hypaware", "dist", "cli", "main.js"))) {
  stop("The bench runs the built command line, and it is not built. Run: npm run build");
}
const scenarios = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only);
if (scenarios.length === 0) stop(`There are: ${SCENARIOS.map(({ name }) => name).join(", ")}`);
if (values.write === true && values.only !== undefined) stop("The document takes all scenarios.");

const quick = values.quick === true;
const repetitions = quick ? QUICK_REPETITIONS : REPETITIONS;
const loadAverage = loadavg()[0]!;
const upstream = await startUpstream();
const nginx = await startNginx(upstream.port);
if (nginx === undefined) console.log("SKIPPED nginx: it is not installed (Debian: nginx-light)");
const others: Target[] = [upstream, ...(nginx === undefined ? [] : [nginx])];
const running = [...others];
const results = new Map<string, Map<Target["name"], Run[]>>();
try {
  for (const scenario of scenarios) {
    // With a store of its own: what the scenarios before it left to seal is not its deferred work.
    const hypaware = await startHypaware(upstream.port);
    running.push(hypaware);
    const targets = [...others, hypaware];
    const byTarget = new Map(targets.map(({ name }) => [name, new Array<Run>()]));
    results.set(scenario.name, byTarget);
    const requests = quick ? scenario.quickRequests : scenario.requests;
    for (let repetition = -WARM_UPS; repetition < repetitions; repetition++) {
      for (const target of targets) {
        const run = await measure(target, scenario, requests);
        if (repetition < 0) continue;
        byTarget.get(target.name)!.push(run);
        console.log(`${scenario.name} ${target.name} ${line(run)}`);
      }
    }
    running.pop();
    await hypaware.stop();
  }
} finally {
  for (const target of running.toReversed()) await target.stop();
}
if (values.write === true) write(results);
console.log(`bench: ${guards(results).join("; ")}`);

function line({ cpu, carrierCpu, totalP50, totalP99, errors }: Run): string {
  const carrier = carrierCpu === undefined ? "" : ` (carrier ${digits(carrierCpu)})`;
  const cost = cpu === undefined ? "" : `cpu ${digits(cpu)} ms${carrier}, `;
  return `${cost}p50 ${digits(totalP50 / 1_000)} ms, p99 ${digits(totalP99 / 1_000)} ms, errors ${errors}`;
}

function write(measured: Results): void {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" });
  const text = markdown(measured, {
    commit: commit.trim(),
    repetitions,
    nginx: nginx === undefined ? undefined : nginxVersion(),
    loadAverage,
  });
  writeFileSync(join(ROOT, "docs", "performance.md"), text);
}

function stop(reason: string): never {
  console.error(reason);
  process.exit(2);
}
