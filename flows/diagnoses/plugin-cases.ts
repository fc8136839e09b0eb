import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "../lib/configs.ts";
import type { DiagnosisCase, Patient } from "../lib/diagnosis.ts";
import { writePlugin } from "../lib/plugin-folder.ts";
import { eventually } from "../lib/process.ts";
import { carryOne } from "./carry-one.ts";

const GATEWAY = { requires: { capabilities: { "hypaware.ai-gateway": "^2.0.0" } } };
const NOTHING = "export function activate() {}";

export const PLUGIN_CASES: readonly DiagnosisCase[] = [
  {
    kind: "plugin_missing",
    arrange: (patient) =>
      installed(patient, { needy: { manifest: { requires: { plugins: { ghost: "*" } } } } }),
  },
  {
    kind: "cycle",
    arrange: (patient) =>
      installed(patient, {
        egg: { manifest: { requires: { plugins: { hen: "*" } } } },
        hen: { manifest: { requires: { plugins: { egg: "*" } } } },
      }),
  },
  {
    kind: "cap_missing",
    arrange: (patient) =>
      installed(patient, { needy: { manifest: { requires: { capabilities: { "me.none": "^1.0.0" } } } } }),
  },
  {
    kind: "capability_version_clash",
    arrange: (patient) =>
      installed(patient, {
        old: { manifest: { requires: { capabilities: { "hypaware.ai-gateway": "^1.0.0" } } } },
      }),
  },
  {
    kind: "activate_missing",
    arrange: (patient) => installed(patient, { empty: { code: "export const nothing = 1;" } }),
  },
  {
    kind: "activate_failed",
    arrange: (patient) =>
      installed(patient, { broken: { code: 'export function activate() { throw new Error("at once"); }' } }),
  },
  {
    kind: "activate_hung",
    arrange: (patient) =>
      installed(patient, { slow: { code: "export const activate = () => new Promise(() => {});" } }),
  },
  {
    kind: "plugin_changed",
    async arrange(patient) {
      await installed(patient, { touched: {} });
      const lock = JSON.parse(readFileSync(join(patient.state, "plugin-lock.json"), "utf8")) as {
        plugins: Record<string, { install_dir: string }>;
      };
      writeFileSync(join(lock.plugins["touched"]!.install_dir, "index.mjs"), "export const other = 1;");
    },
  },
  {
    kind: "plugin_lock_unreadable",
    async arrange(patient) {
      await installed(patient, { lost: {} });
      writeFileSync(join(patient.state, "plugin-lock.json"), '{ "schema_version": 1, ');
    },
  },
  {
    kind: "manifest_invalid",
    arrange: (patient) =>
      installed(patient, {
        boasts: {
          manifest: { provides: { capabilities: { "me.words": "1.0.0" } } },
          code: 'export function activate(context) { context.provideCapability("me.words", "2.0.0", []); }',
        },
      }),
  },
  {
    kind: "installed_shadows_bundled",
    async arrange(patient) {
      await installed(patient, { later: {} });
      // What was installed under this name before one of that name shipped.
      const lock = join(patient.state, "plugin-lock.json");
      writeFileSync(lock, readFileSync(lock, "utf8").replaceAll('"later"', '"@hypaware/raw"'));
      patient.writeConfig(withAdapters(patient.provider));
    },
  },
  {
    kind: "gateway_missing_nowhere_upstream",
    arrange: (patient) =>
      installed(patient, {
        lost: {
          manifest: GATEWAY,
          code: registering(
            'registerClient({ name: "lost", defaultUpstream: "nowhere", attach: () => 0, detach: () => 0 })',
          ),
        },
      }),
    choose: (command) => command.replace("https://<its address>", "https://upstream.example"),
  },
  {
    kind: "projector_overlap",
    async arrange(patient) {
      const greedy = (name: string) => ({ manifest: GATEWAY, code: projector(name, SAYS_HELLO) });
      await installed(patient, { first: greedy("first"), second: greedy("second") });
      await carryOne(patient);
    },
  },
  {
    kind: "quarantined",
    async arrange(patient) {
      const crashing = { manifest: GATEWAY, code: projector("crashing", "process.exit(1)") };
      const folders = await installed(patient, { crashing });
      const daemon = await patient.startDaemon();
      await postMessage(daemon.url, "hello");
      // It ends every process that takes it up, this command's, too, until it is set aside.
      await eventually("the exchange is set aside", async () => {
        const { code } = await patient.hyp("query", "refresh");
        return code === 0;
      });
      await daemon.stop();
      // Its author has mended it.
      writeFileSync(join(folders["crashing"]!, "index.mjs"), projector("crashing", SAYS_HELLO));
      const { code, stdout, stderr } = await patient.hyp("plugin", "update", "crashing");
      assert.equal(code, 0, stdout + stderr);
    },
  },
];

const SAYS_HELLO =
  'return { provider: "p", conversation_id: "c", messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }] }';

const registering = (call: string): string =>
  `export function activate(context) { context.requireCapability("hypaware.ai-gateway", "^2.0.0").${call}; }`;

const projector = (name: string, work: string): string =>
  registering(
    `registerExchangeProjector({ name: "${name}", priority: 1000, match: () => true, project() { ${work} } })`,
  );

/** Installs and enables plugins beside those that ship. Name → folder. */
async function installed(
  patient: Patient,
  plugins: Readonly<Record<string, { readonly manifest?: object; readonly code?: string }>>,
): Promise<Readonly<Record<string, string>>> {
  const folders: Record<string, string> = {};
  for (const [name, { manifest = {}, code = NOTHING }] of Object.entries(plugins)) {
    folders[name] = writePlugin({ folder: patient.home }, name, manifest, name, code);
    const done = await patient.hyp("plugin", "install", folders[name]);
    assert.equal(done.code, 0, done.stdout + done.stderr);
  }
  const config = withAdapters(patient.provider) as { plugins: object[] };
  const enabled = Object.keys(plugins).map((name) => ({ name }));
  patient.writeConfig({ ...config, plugins: [...config.plugins, ...enabled] });
  return folders;
}
