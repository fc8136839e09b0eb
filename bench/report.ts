import { cpus, release, totalmem } from "node:os";
import { median } from "../flows/lib/median.ts";
import { digits } from "./figures.ts";
import type { Run } from "./measure.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Target } from "./targets.ts";

/** Measured runs by scenario and target, warm-up left out. */
export type Results = ReadonlyMap<string, ReadonlyMap<Target["name"], readonly Run[]>>;

export interface Circumstances {
  readonly commit: string;
  readonly repetitions: number;
  readonly nginx: string | undefined;
  /** Before the first run. */
  readonly loadAverage: number;
}

/** Times nginx' CPU. */
const MAX_TAP = 8;
const MAX_CAPTURED = 12;

export function markdown(results: Results, circumstances: Circumstances): string {
  const { commit, repetitions, nginx, loadAverage } = circumstances;
  const [cpu] = cpus();
  const sections = SCENARIOS.map(({ name, title }) => `## ${title}\n\n${table(results.get(name)!)}\n`);
  return `# Performance

Written by \`npm run bench -- --write\`; not by hand.

- ${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.versions.node}, ${nginx ?? "no nginx here"}
- ${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release().split("-")[0]};
  load average before the first run ${loadAverage.toFixed(1)}: other work on the machine moves times, so compare within one table
- ${repetitions} repetitions after two to warm up, targets in turn; medians, of CPU also smallest to largest

Client, upstream and what is between them share the machine, all on loopback. \`direct\`: nothing between. \`nginx\`: one
worker, unbuffered. \`hypaware\`: the daemon as installed, capture on, recorder and projection running, with a store of
its own for each table; every request a new conversation, but in the last table.

**CPU**: milliseconds a request of the whole process tree until it is idle again, so that work after the answer counts.
**carrier**: of these, the process that carries the bytes (proxy, tap, journal), against all of nginx. **event**: from sending to receipt of one
server-sent event. **disk**: bytes on the disk for one exchange, everything included.

${sections.join("\n")}
## Guards

${guards(results)
  .map((line) => `- ${line}`)
  .join("\n")}
`;
}

function table(byTarget: ReadonlyMap<Target["name"], readonly Run[]>): string {
  const rows = [...byTarget].map(([name, runs]) => {
    const of = (key: keyof Run): number | undefined => medianOf(runs, key);
    const spread = runs.flatMap(({ cpu }) => cpu ?? []);
    const range =
      spread.length === 0 ? "" : ` (${digits(Math.min(...spread))}..${digits(Math.max(...spread))})`;
    const directly = medianOf(byTarget.get("direct") ?? [], "totalP50");
    const nginxCpu = medianOf(byTarget.get("nginx") ?? [], "cpu");
    return [
      name,
      cell(of("cpu")) + range,
      ratio(of("cpu"), nginxCpu),
      cell(of("carrierCpu")),
      ratio(of("carrierCpu"), nginxCpu),
      ms(of("totalP50")),
      ratio(of("totalP50"), directly),
      ms(of("totalP99")),
      ms(of("ttfbP50")),
      ms(of("ttfbP99")),
      ms(of("eventP50")),
      ms(of("eventP99")),
      cell(of("peakMB")),
      cell(of("disk")),
      String(runs.reduce((sum, { errors }) => sum + errors, 0)),
    ];
  });
  const heads = [
    "",
    "CPU ms",
    "x nginx",
    "carrier ms",
    "x nginx",
    "p50 ms",
    "x direct",
    "p99 ms",
    "first byte p50 ms",
    "p99 ms",
    "event p50 ms",
    "p99 ms",
    "peak MB",
    "disk bytes",
    "errors",
  ];
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What must hold, and whether it does. */
export function guards(results: Results): string[] {
  const times = (scenario: string, key: "cpu" | "carrierCpu"): number | undefined => {
    const runs = results.get(scenario);
    const ours = medianOf(runs?.get("hypaware") ?? [], key);
    const theirs = medianOf(runs?.get("nginx") ?? [], "cpu");
    return ours === undefined || theirs === undefined ? undefined : ours / theirs;
  };
  const verdict = (value: number | undefined, max: number): string =>
    value === undefined
      ? "not measured"
      : `${digits(value)}x nginx, at most ${max}x: ${value <= max ? "met" : "NOT met"}`;
  const recorded = times("json5k_c64", "cpu");
  const also = recorded === undefined ? "" : ` (recorded to its end ${digits(recorded)}x)`;
  return [
    `5 KB at 64 connections, carried and tapped: ${verdict(times("json5k_c64", "carrierCpu"), MAX_TAP)}${also}`,
    `typical exchange (growing conversation), recorded to its end: ${verdict(times("conversation_c1", "cpu"), MAX_CAPTURED)}`,
  ];
}

function medianOf(runs: readonly Run[], key: keyof Run): number | undefined {
  const values = runs.flatMap((run) => run[key] ?? []);
  return values.length === 0 ? undefined : median(values);
}

function cell(value: number | undefined): string {
  return value === undefined ? "-" : digits(value);
}

/** Of microseconds; 0 means that there was nothing to see. */
function ms(value: number | undefined): string {
  return value === undefined || value === 0 ? "-" : digits(value / 1_000);
}

function ratio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined || base === 0 ? "-" : (value / base).toFixed(1);
}
