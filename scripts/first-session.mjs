// Runs the first session of a new user, as the README says it, in a fresh home from a fresh clone, and writes what was shown to
// docs/getting-started.md. Fails when a command fails or when all of them together take three minutes.
//   npm run first-session
// The client is a real one, as .ci/run installs it (HYP_TEST_CLIENTS); its provider is the fake of packages/testkit. Needs the network for npm.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startFakeProvider } from "@hypaware/testkit";
import { findClaudeCode } from "../flows/lib/claude-code.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const MAX_MS = 180_000;
const MAX_LINES = 40;
/** What reaches the network from here, and nothing else of the caller's own settings. */
const PASSED = /^(?:https?_proxy|no_proxy|npm_config_registry|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|LANG)$/i;

const client = findClaudeCode({ HYP_TEST_CLIENTS: join(tmpdir(), "hypaware-clients"), ...process.env });
if (client === undefined) {
  console.error(
    "No client is there to play the user's. .ci/run installs one; HYP_TEST_CLIENTS names its folder.",
  );
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "hypaware-first-session-"));
const provider = await startFakeProvider();
const home = join(folder, "home");
const bin = join(folder, "bin");
for (const made of [home, bin, join(folder, "tmp")]) mkdirSync(made);
symlinkSync(client.binary, join(bin, "claude"));
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED.test(name))),
  HOME: home,
  TMPDIR: join(folder, "tmp"),
  PATH: [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
  TERM: "dumb",
  ANTHROPIC_API_KEY: "sk-ant-test-key-for-the-fake-0000",
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  DISABLE_AUTOUPDATER: "1",
};
const upstreams = JSON.stringify([{ name: "anthropic", base_url: provider.url }]);
const checkout = join(home, "hypaware");

/** `shown`: instead of the command itself. */
const STEPS = [
  {
    says: "Get it, and make it ready:",
    run: `git clone --quiet ${ROOT} hypaware`,
    shown: "git clone --quiet <this repository> hypaware",
    cwd: home,
  },
  { run: "npm run setup" },
  {
    says: "Set it up. Without `--yes` it asks, and shows everything that it will write before it does; `--dry-run` only shows it.",
    run: "npx hyp init --yes",
  },
  {
    says: "Only in this transcript: the provider is replaced by a stand-in, so that it can be run again without an account.",
    run: `npx hyp config set @hypaware/ai-gateway upstreams '${upstreams}'`,
  },
  { run: "npx hyp daemon restart" },
  {
    says: "Use the client as always. Its settings point at the gateway now.",
    run: 'claude -p "SAY:text Hello from the other side of the gateway"',
  },
  {
    says: "Ask the history:",
    run: `npx hyp query sql "select role, content_text from ai_gateway_messages where content_text like '%other side%'"`,
  },
  {
    run: 'npx hyp query sql "select model, status_code, output_tokens from ai_gateway_exchanges where output_tokens > 0"',
  },
  { run: "npx hyp status" },
  {
    says: "And out again, whenever you want; the client's settings are as they were:",
    run: "npx hyp detach claude",
  },
  { run: "npx hyp daemon stop" },
];

const parts = [];
let totalMs = 0;
let isQueried = 0;
try {
  for (const step of STEPS) {
    const { code, output, ms } = await run(step.run, step.cwd ?? checkout);
    totalMs += ms;
    if (step.run.includes("query sql") && isQueried === 0) isQueried = totalMs;
    if (code !== 0) throw new Error(`${step.run} ended with ${code}:\n${output}`);
    console.log(`${(ms / 1000).toFixed(1).padStart(6)} s  ${step.run}`);
    const lines = readable(output).trimEnd().split("\n");
    const kept =
      lines.length > MAX_LINES
        ? [...lines.slice(0, MAX_LINES), `… (${lines.length - MAX_LINES} more lines)`]
        : lines;
    if (step.says !== undefined) parts.push("", step.says);
    const shown = [`$ ${step.shown ?? step.run}`, ...kept].filter((line) => line !== "" || lines.length > 1);
    parts.push("", "```console", ...shown, "```", "", `*${(ms / 1000).toFixed(1)} s*`);
  }
  if (isQueried >= MAX_MS) throw new Error(`The first own query came after ${isQueried / 1000} s.`);
} finally {
  await run("npx hyp panic", checkout).catch(() => undefined);
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
}

const document = [
  "# Getting started",
  "",
  `As it was run by \`npm run first-session\` (Node.js ${process.versions.node}, ${process.platform}, Claude Code ${client.version}) in a home with nothing in it; nobody typed.`,
  `From the clone to the first own query: **${Math.round(isQueried / 1000)} seconds** of commands. \`~\` is the user's home; output longer than ${MAX_LINES} lines is cut.`,
  ...parts,
  "",
  "What else: `hyp help`, [all commands](cli.md), [the config](configuration.md).",
  "",
];
writeFileSync(join(ROOT, "docs", "getting-started.md"), document.join("\n"));
console.log(`first own query after ${Math.round(isQueried / 1000)} s; docs/getting-started.md is written`);

function readable(output) {
  return output.replaceAll(checkout, "~/hypaware").replaceAll(home, "~").replaceAll(folder, "/tmp");
}

function run(command, cwd) {
  const began = performance.now();
  const child = spawn("sh", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    // What it leaves running in the background may keep the pipes.
    child.once("exit", (code) =>
      setTimeout(() => resolve({ code, output, ms: performance.now() - began }), 50),
    );
  });
}
