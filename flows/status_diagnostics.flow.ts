import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { postMessage } from "@hypaware/testkit";
import { gatewayOnly, withAdapters } from "./lib/configs.ts";
import { type DiagnosisCase, Patient, diagnose } from "./lib/diagnosis.ts";
import type { FlowContext } from "./lib/flow.ts";
import { eventually } from "./lib/process.ts";

export const title = "every kind of finding of hyp status is found, and gone once its repair was run";
export const timeoutMs = 180_000;

const GATEWAY = "@hypaware/ai-gateway";
const HYP = fileURLToPath(new URL("../packages/hypaware/bin/hyp.js", import.meta.url));

const CASES: readonly DiagnosisCase[] = [
  {
    kind: "config_invalid",
    arrange: async (patient) =>
      patient.writeConfig({ version: 2, plugins: [{ name: GATEWAY }, { name: "@hypaware/cluade" }] }),
  },
  {
    kind: "client_without_gateway",
    arrange: async (patient) => patient.writeConfig({ version: 2, plugins: [{ name: "@hypaware/claude" }] }),
  },
  {
    kind: "port_taken",
    async arrange(patient) {
      const other = createServer().listen(0, "127.0.0.1").unref();
      await new Promise((resolve) => other.once("listening", resolve));
      const { port } = other.address() as AddressInfo;
      patient.writeConfig(withAdapters(patient.provider, `127.0.0.1:${port}`));
    },
  },
  {
    kind: "gateway_without_projector",
    async arrange(patient) {
      patient.writeConfig(gatewayOnly(patient.provider));
      await carryOne(patient);
    },
  },
  {
    kind: "preset_overlap",
    arrange: async (patient) =>
      patient.writeConfig(
        withAdapters(patient.provider, "127.0.0.1:0", {
          upstreams: [
            { name: "one", base_url: patient.provider.url, path_prefix: "/x" },
            { name: "two", base_url: patient.provider.url, path_prefix: "/x" },
          ],
        }),
      ),
  },
  {
    kind: "recent_errors",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      const recorder = await recorderPid(patient);
      process.kill(recorder, "SIGKILL");
      await eventually("another recorder", async () => (await recorderPid(patient)) !== recorder);
      const { code, stderr } = await daemon.stop();
      assert.equal(code, 0, stderr);
    },
  },
  {
    kind: "recorder_behind",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      process.kill(await recorderPid(patient), "SIGSTOP");
      await postMessage(daemon.url, "unread");
    },
  },
  {
    kind: "journal_gap",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      const daemon = await patient.startDaemon();
      process.kill(await recorderPid(patient), "SIGSTOP");
      await postMessage(daemon.url, "SAY:long 3000 320");
      await sleep(500);
      daemon.process.signal("SIGKILL");
      await daemon.process.exited;
      process.kill(await recorderPid(patient), "SIGKILL");
      damageJournal(patient);
      await patient.hyp("query", "refresh");
    },
  },
  {
    kind: "client_attach_missing",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      mkdirSync(join(patient.user, ".claude"));
      await patient.startDaemon();
    },
  },
  {
    kind: "hook_outdated",
    async arrange(patient) {
      await attached(patient);
      const settings = join(patient.user, ".claude", "settings.json");
      const text = readFileSync(settings, "utf8");
      writeFileSync(settings, text.replace(/--state-file [^"]+/g, "--port 8787"));
    },
  },
  {
    kind: "features_lost",
    async arrange(patient) {
      await attached(patient);
      const settings = join(patient.user, ".claude", "settings.json");
      const values = JSON.parse(readFileSync(settings, "utf8")) as { env: Record<string, string> };
      delete values.env["ENABLE_TOOL_SEARCH"];
      writeFileSync(settings, JSON.stringify(values));
    },
  },
  {
    kind: "env_override",
    async arrange(patient) {
      await attached(patient);
      const env = { ANTHROPIC_BASE_URL: "https://elsewhere.example" };
      mkdirSync(join(patient.home, ".claude"));
      writeFileSync(join(patient.home, ".claude", "settings.json"), JSON.stringify({ env }));
    },
    // Whether the project's own word goes is the person's choice.
    choose: (command) => command.replace(/^Remove \S+ from (.*)$/, "rm '$1'"),
  },
  {
    kind: "store_damaged",
    async arrange(patient) {
      patient.writeConfig(withAdapters(patient.provider));
      await carryOne(patient);
      writeFileSync(join(patient.state, "store", "catalog.sqlite"), "no database ".repeat(1_000));
    },
  },
];

export default async function statusDiagnostics(ctx: FlowContext): Promise<void> {
  Patient.installCommand(ctx, HYP);
  const provider = await ctx.fakeProvider();
  await healthy(new Patient(ctx, "healthy", provider));
  // Those that wait are company for those that work.
  await Promise.all(CASES.map((each) => diagnose(new Patient(ctx, each.kind, provider), each)));
  ctx.note(`${CASES.length} kinds found and repaired`);
}

async function healthy(patient: Patient): Promise<void> {
  patient.writeConfig(withAdapters(patient.provider));
  const daemon = await patient.startDaemon();
  await postMessage(daemon.url, "hello");
  const { overall, diagnostics } = await patient.status();
  assert.deepEqual([overall, diagnostics], ["healthy", []]);
  const { code, stdout } = await patient.hyp("doctor");
  assert.equal(code, 0);
  assert.match(stdout, /Nothing needs attention/);
  await daemon.stop();
}

/** The real client's settings point at a running gateway. */
async function attached(patient: Patient): Promise<void> {
  patient.writeConfig(withAdapters(patient.provider));
  mkdirSync(join(patient.user, ".claude"));
  await patient.startDaemon();
  const { code, stdout, stderr } = await patient.hyp("attach", "claude");
  assert.equal(code, 0, stdout + stderr);
}

async function carryOne(patient: Patient): Promise<void> {
  const daemon = await patient.startDaemon();
  await postMessage(daemon.url, "hello");
  await patient.hyp("query", "refresh");
  await daemon.stop();
}

/** A byte in the middle of what was carried: the disk did not keep what it was given. */
function damageJournal({ state }: Patient): void {
  const journal = join(state, "journal");
  for (const name of readdirSync(journal, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".journal")) continue;
    const bytes = readFileSync(join(journal, name));
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = bytes[middle]! ^ 0xff;
    writeFileSync(join(journal, name), bytes);
  }
}

async function recorderPid(patient: Patient): Promise<number> {
  return eventually("a recorder", () => {
    try {
      const file = readFileSync(join(patient.state, "run", "recorder.json"), "utf8");
      return (JSON.parse(file) as { pid: number }).pid;
    } catch {
      return undefined;
    }
  });
}
