import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import type { FakeProvider } from "@hypaware/testkit";
import type { Daemon } from "./daemon.ts";
import { daemonReady } from "./daemon.ts";
import type { FlowContext } from "./flow.ts";
import type { Finished } from "./process.ts";

/** One thing that can be wrong, in a home of its own. */
export interface DiagnosisCase {
  readonly kind: string;
  /** Makes it wrong. */
  arrange(patient: Patient): Promise<unknown>;
  /** What is left running. */
  cleanUp?(patient: Patient): Promise<unknown>;
  /** What the person does with a repair that needs a choice: the command as it is run. */
  readonly choose?: (command: string) => string;
}

export interface Diagnosis {
  readonly kind: string;
  readonly message: string;
  readonly repair: readonly string[];
}

export interface StatusJson {
  readonly overall: string;
  readonly diagnostics: readonly Diagnosis[];
  readonly daemon: { readonly running: boolean; readonly pid: number | null };
}

const SCHEMA = z.fromJSONSchema(
  JSON.parse(
    readFileSync(new URL("../../docs/status.schema.json", import.meta.url), "utf8"),
  ) as z.core.JSONSchema.JSONSchema,
);

/** An installation whose state is looked at and repaired by nothing but commands. */
export class Patient {
  readonly home: string;
  readonly configPath: string;
  readonly state: string;
  /** HOME. */
  readonly user: string;
  readonly provider: FakeProvider;
  readonly env: Record<string, string>;
  readonly #ctx: FlowContext;

  constructor(ctx: FlowContext, name: string, provider: FakeProvider) {
    this.#ctx = ctx;
    this.provider = provider;
    this.home = join(ctx.folder, name);
    this.configPath = join(this.home, "hypaware-config.json");
    this.state = join(this.home, "hypaware");
    this.user = join(this.home, "user");
    mkdirSync(this.user, { recursive: true });
    const bin = join(ctx.folder, "bin");
    mkdirSync(bin, { recursive: true });
    this.env = {
      HYP_HOME: this.home,
      HOME: this.user,
      PATH: `${bin}:${ctx.env["PATH"]}`,
    };
  }

  /** Makes `hyp` a command on the path of every patient of the flow. */
  static installCommand(ctx: FlowContext, entry: string): void {
    const bin = join(ctx.folder, "bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, join(bin, "node"));
    writeFileSync(join(bin, "hyp"), `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`, {
      mode: 0o755,
    });
  }

  writeConfig(config: object): void {
    writeFileSync(this.configPath, JSON.stringify(config, null, 2));
  }

  hyp(...args: string[]): Promise<Finished> {
    return this.#ctx.hyp(args, { env: this.env, timeoutMs: 60_000, cwd: this.home });
  }

  /** As a person types it. */
  shell(command: string): Promise<Finished> {
    return this.#ctx.run("sh", ["-c", command], { env: this.env, timeoutMs: 60_000, cwd: this.home });
  }

  startDaemon(): Promise<Daemon> {
    return daemonReady(this.#ctx.startHyp(["daemon", "run", "--foreground"], { env: this.env }), this.state);
  }

  /** `hyp status --json`, whose shape is that of docs/status.schema.json. */
  async status(): Promise<StatusJson> {
    const { code, stdout, stderr } = await this.hyp("status", "--json");
    assert.equal(code, 0, stderr);
    const report: unknown = JSON.parse(stdout);
    const checked = SCHEMA.safeParse(report);
    assert.ok(checked.success, `not of the documented shape: ${JSON.stringify(checked.error?.issues)}`);
    return report as StatusJson;
  }

  async found(kind: string): Promise<Diagnosis | undefined> {
    return (await this.status()).diagnostics.find((each) => each.kind === kind);
  }
}

/** The finding is there, and after one of its commands, or one after the other, it is gone. */
export async function diagnose(patient: Patient, wrong: DiagnosisCase): Promise<void> {
  try {
    await findAndRepair(patient, wrong);
  } finally {
    await wrong.cleanUp?.(patient);
  }
}

async function findAndRepair(patient: Patient, { kind, ...wrong }: DiagnosisCase): Promise<void> {
  await wrong.arrange(patient);
  const finding = await patient.found(kind);
  assert.ok(
    finding !== undefined,
    `${kind} is not found: ${JSON.stringify((await patient.status()).diagnostics)}`,
  );
  assert.notEqual(finding.repair.length, 0, `${kind} says what to do`);
  const text = (await patient.hyp("status")).stdout;
  assert.match(text, new RegExp(`\\] ${kind}: `), "people see it, too");
  let left: Diagnosis | undefined = finding;
  for (const command of finding.repair.map(wrong.choose ?? ((each) => each))) {
    const { code, stdout, stderr } = await patient.shell(command);
    assert.equal(code, 0, `${kind}: ${command}: ${stdout}${stderr}`);
    left = await patient.found(kind);
    if (left === undefined) break;
  }
  assert.equal(
    left,
    undefined,
    `${kind} is still there after ${finding.repair.join("; ")}: ${left?.message}`,
  );
}
