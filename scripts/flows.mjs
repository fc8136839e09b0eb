// Runs the black-box flows and ends with the line that CI reads: `N passed, N failed` (`, N skipped` when any were).
//   node scripts/flows.mjs [name …] [--keep]
// Flows are TypeScript, so an old Node re-runs this on the newer one that the workspace brings. Where it may, it runs them in
// a network that has nothing but loopback: no client and no mistake of ours can then reach a real provider.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SELF = fileURLToPath(import.meta.url);
const ISOLATED = "HYP_FLOWS_ISOLATED";
/** With an address that is none of the loopback's own (RFC 5737), for what stands for another machine. */
const LOOPBACK_ONLY = [
  "-n",
  "sh",
  "-c",
  'ip link set lo up && ip address add 192.0.2.1/32 dev lo && exec "$@"',
  "sh",
];

const [major, minor] = process.versions.node.split(".").map(Number);
const isNew = major > 22 || (major === 22 && minor >= 19);
const node = isNew
  ? process.execPath
  : createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
if (process.env[ISOLATED] === undefined && mayIsolate())
  process.exitCode = await rerun("unshare", [...LOOPBACK_ONLY, node, SELF]);
else if (isNew) await main(process.argv.slice(2));
else process.exitCode = await rerun(node, [SELF]);

async function main(args) {
  if (!existsSync(join(dirname(SELF), "..", "packages", "hypaware", "dist", "cli", "main.js"))) {
    console.error("The flows run the built command line, and it is not built. Run: npm run build");
    process.exit(2);
  }
  const { flowNames, runFlows } = await import("../flows/lib/run-flows.ts");
  const known = flowNames();
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`No such flow: ${unknown.join(", ")}. There are: ${known.join(", ")}`);
    process.exit(2);
  }
  const { passed, failed, skipped } = await runFlows(
    names.length > 0 ? names : known,
    args.includes("--keep"),
  );
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exit(failed === 0 ? 0 : 1);
}

function mayIsolate() {
  if (process.platform !== "linux" || process.getuid() !== 0) return false;
  return spawnSync("unshare", [...LOOPBACK_ONLY, "true"], { stdio: "ignore" }).status === 0;
}

/** The same once more, in another way. Resolves with its exit code. */
function rerun(command, args) {
  const child = spawn(command, [...args, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, [ISOLATED]: "1" },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}
