// Runs the unit tests and ends with the line that CI reads: `N passed, N failed`.
// Arguments go to vitest, e.g. `npm test -- packages/hypaware/src/wire`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "hypaware-test-"));
const report = join(folder, "report.json");
const result = spawnSync(
  join(root, "node_modules", ".bin", "vitest"),
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);

let passed = 0;
let failed = 1;
try {
  const summary = JSON.parse(readFileSync(report, "utf8"));
  passed = summary.numPassedTests;
  // A file that does not even load has no tests to count, but it has failed.
  const broken = summary.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.length,
  );
  failed = summary.numFailedTests + broken.length;
} catch (error) {
  console.error(`No test report: ${error.message}`);
}
rmSync(folder, { recursive: true, force: true });
if (result.status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
