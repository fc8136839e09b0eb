// Runs the black-box flows and ends with the line that CI reads: `N passed, N failed` (`, N skipped` when any were).
//   node scripts/flows.mjs [name …] [--keep]
// Flows are TypeScript, so an old Node re-runs this on the newer one that the workspace brings.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 19)) await main(process.argv.slice(2));
else process.exit(rerun());

async function main(args) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  if (!existsSync(join(root, "packages", "hypaware", "dist", "cli", "main.js"))) {
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

function rerun() {
  const newer = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  return (
    spawnSync(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" })
      .status ?? 1
  );
}
