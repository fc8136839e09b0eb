// A home to install into, with what was said of it.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { type HomePaths, homePaths } from "../contract/home.ts";
import { type LogRecord, createLogger } from "../kernel/log.ts";
import { temporaryFolder } from "../kernel/plugin-folder.testkit.ts";
import { NO_TELEMETRY } from "../kernel/telemetry.ts";
import type { Candidate } from "./candidate.ts";
import type { InstallWorld } from "./install.ts";
import { type Source, type SourceOptions, parseSource } from "./source.ts";

export interface PluginWorld extends InstallWorld {
  readonly paths: HomePaths;
  /** What a person was asked to agree to. */
  readonly asked: Candidate[];
  readonly records: LogRecord[];
}

export function pluginWorld(overrides: Partial<InstallWorld> = {}): PluginWorld {
  const asked: Candidate[] = [];
  const records: LogRecord[] = [];
  const log = createLogger([{ level: "debug", write: (record) => void records.push(record) }]);
  return {
    paths: homePaths(join(temporaryFolder(), "hyp")),
    shipped: ["@hypaware/ai-gateway"],
    env: process.env,
    observer: { log, telemetry: NO_TELEMETRY },
    now: () => new Date("2026-03-01T12:00:00.000Z"),
    consent: async (candidate) => {
      asked.push(candidate);
      return "auto_yes";
    },
    asked,
    records,
    ...overrides,
  };
}

export const sourceOf = (typed: string, options: Partial<SourceOptions> = {}): Source =>
  parseSource(typed, { cwd: "/", ...options });

/** The code of a HypError that must come. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HypError) return error.code;
  throw new Error(`expected a HypError, got ${String(error)}`);
}

/** Runs git where nobody's settings count; returns what it prints. */
export function git(cwd: string, ...args: readonly string[]): string {
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "t",
    GIT_AUTHOR_EMAIL: "t@example.invalid",
    GIT_COMMITTER_NAME: "t",
    GIT_COMMITTER_EMAIL: "t@example.invalid",
  };
  const { status, stdout, stderr } = spawnSync("git", args, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}
