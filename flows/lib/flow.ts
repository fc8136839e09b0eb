import type { FakeProvider, FakeProviderOptions } from "@hypaware/testkit";
import type { Daemon } from "./daemon.ts";
import type { CommandOptions, Finished, Running } from "./process.ts";
import type { Telemetry } from "./telemetry.ts";

/** What a file `flows/<name>.flow.ts` exports. */
export interface Flow {
  readonly title: string;
  /** The whole flow; default 60 s. */
  readonly timeoutMs?: number;
  readonly default: (ctx: FlowContext) => Promise<void>;
}

/** Thrown by `ctx.skip`: the flow cannot run here, which is shown and counted, never silent. */
export class SkippedFlow extends Error {}

/** A row as `hyp query sql --format json` prints it. */
export type Row = Readonly<Record<string, unknown>>;

/** One flow's world: an installation of its own, the built command line, and everything it starts. */
export interface FlowContext {
  readonly name: string;
  /** DEV_RUN_ID of every process of this flow. */
  readonly runId: string;
  /** Fresh folder for anything; removed at the end. */
  readonly folder: string;
  /** HYP_HOME. */
  readonly home: string;
  /** The data folder inside HYP_HOME. */
  readonly state: string;
  readonly configPath: string;
  /** What every process of this flow gets, and nothing of the caller's own settings. */
  readonly env: Readonly<Record<string, string>>;
  skip(reason: string): never;
  /** A figure worth showing beside the result. */
  note(text: string): void;
  writeConfig(config: object): void;
  fakeProvider(options?: FakeProviderOptions): Promise<FakeProvider>;
  /** `hyp <args>` to its end. */
  hyp(args: readonly string[], options?: CommandOptions): Promise<Finished>;
  /** `hyp <args>` that goes on. */
  startHyp(args: readonly string[], options?: CommandOptions): Running;
  /** `hyp daemon run --foreground`, resolved when its gateway answers. */
  startDaemon(): Promise<Daemon>;
  /** Rows of `hyp query sql`; a failing query fails the flow. */
  sql(query: string): Promise<readonly Row[]>;
  run(command: string, args: readonly string[], options?: CommandOptions): Promise<Finished>;
  telemetry(): Telemetry;
}
