import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startFakeProvider } from "@hypaware/testkit";
import type { FakeProvider } from "@hypaware/testkit";
import { daemonReady } from "./daemon.ts";
import { SkippedFlow } from "./flow.ts";
import type { FlowContext, Row } from "./flow.ts";
import { killGroups, run, start } from "./process.ts";
import { readTelemetry } from "./telemetry.ts";

/** The built command line; flows use nothing else of the product. */
const HYP = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "..",
  "packages",
  "hypaware",
  "bin",
  "hyp.js",
);

export interface OwnedContext {
  readonly ctx: FlowContext;
  readonly notes: readonly string[];
  /** Ends everything that was started and removes the folder, unless it is to be kept. */
  dispose(keep: boolean): Promise<void>;
}

export function createContext(name: string): OwnedContext {
  const folder = mkdtempSync(join(tmpdir(), `hyp-flow-${name}-`));
  const home = join(folder, "hyp");
  const userHome = join(folder, "user");
  for (const path of [home, userHome, join(folder, "tmp")]) mkdirSync(path, { mode: 0o700 });
  const utc = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const runId = `smoke-${name}-${utc}-${process.pid}`;
  const configPath = join(home, "hypaware-config.json");
  const state = join(home, "hypaware");
  const notes: string[] = [];
  const providers: FakeProvider[] = [];
  const env = {
    PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
    HOME: userHome,
    TMPDIR: join(folder, "tmp"),
    LANG: "C.UTF-8",
    TERM: "dumb",
    HYP_HOME: home,
    HYP_DEV_TELEMETRY: "1",
    DEV_RUN_ID: runId,
  };
  const ctx: FlowContext = {
    name,
    runId,
    folder,
    home,
    state,
    configPath,
    env,
    skip: (reason) => {
      throw new SkippedFlow(reason);
    },
    note: (text) => void notes.push(text),
    writeConfig: (config) => writeFileSync(configPath, JSON.stringify(config, null, 2)),
    async fakeProvider(options) {
      const provider = await startFakeProvider(options);
      providers.push(provider);
      return provider;
    },
    hyp: (args, options) => run(process.execPath, [HYP, ...args], env, options),
    startHyp: (args, options) => start(process.execPath, [HYP, ...args], env, options),
    startDaemon: () =>
      daemonReady(ctx.startHyp(["daemon", "run", "--foreground", "--config", configPath]), state),
    async sql(query) {
      const { code, stdout, stderr } = await ctx.hyp(["query", "sql", query, "--format", "json"]);
      if (code !== 0) throw new Error(`hyp query sql ended with ${code}: ${stderr}${stdout}\n${query}`);
      return JSON.parse(stdout) as Row[];
    },
    run: (command, args, options) => run(command, args, env, options),
    telemetry: () => readTelemetry(join(state, "dev-telemetry")),
  };
  return {
    ctx,
    notes,
    async dispose(keep) {
      killGroups();
      await Promise.all(providers.map((provider) => provider.close()));
      if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
