// Everything that `hyp status` can find to need the person, in one table. docs/status.md lists it.

export interface DiagnosticEntry {
  readonly severity: "error" | "warning";
  /** What is wrong, in general. The finding's own message is specific. */
  readonly what: string;
  /** Whether something is not recorded, or not shown, because of it: `overall` is "degraded" then. */
  readonly degrades: boolean;
  /** `doctor`: `hyp doctor` may run its repair once the person agreed. `person`: the person has to look, or to choose. */
  readonly repairedBy: "doctor" | "person";
}

const entry = (
  severity: DiagnosticEntry["severity"],
  degrades: boolean,
  repairedBy: DiagnosticEntry["repairedBy"],
  what: string,
): DiagnosticEntry => ({ severity, degrades, repairedBy, what });

export const DIAGNOSTICS = {
  config_missing: entry("warning", true, "doctor", "The config file that was named does not exist."),
  config_unreadable: entry("error", true, "person", "The config file cannot be read, or is no config."),
  config_invalid: entry("error", true, "person", "The config file means something impossible."),
  client_without_gateway: entry(
    "warning",
    true,
    "doctor",
    "A plugin needs the gateway, and no enabled plugin provides it.",
  ),
  gateway_missing_upstream: entry(
    "warning",
    true,
    "person",
    "A client's upstream is neither configured nor brought by a plugin. The kind has its name: `gateway_missing_<upstream>_upstream`.",
  ),
  plugin_missing: entry("error", true, "person", "A plugin needs another plugin that is absent."),
  cycle: entry("error", true, "person", "Plugins depend on each other in a circle."),
  cap_missing: entry("error", true, "person", "A plugin needs a capability that no active plugin provides."),
  capability_version_clash: entry(
    "error",
    true,
    "person",
    "A plugin needs another version of a capability than the one provided. It does not run; the others do.",
  ),
  installed_shadows_bundled: entry(
    "error",
    true,
    "person",
    "An installed plugin has the name of one that ships. The shipped one runs.",
  ),
  activate_missing: entry("error", true, "person", "A plugin's entry point has no activate function."),
  activate_failed: entry("error", true, "person", "A plugin failed when it was activated; the others run."),
  activate_hung: entry(
    "error",
    true,
    "person",
    "A plugin did not end its activation in time; the others run.",
  ),
  plugin_changed: entry(
    "error",
    true,
    "person",
    "An installed plugin's files are not those that were installed, so it is not loaded.",
  ),
  plugin_lock_unreadable: entry(
    "error",
    true,
    "person",
    "The list of installed plugins cannot be read, so none of them is loaded.",
  ),
  manifest_invalid: entry(
    "error",
    true,
    "person",
    "A plugin's manifest is invalid, or promises what it does not do.",
  ),
  daemon_loaded_no_pid: entry("warning", false, "doctor", "The service is installed, and no daemon runs."),
  daemon_binary_missing: entry(
    "error",
    true,
    "doctor",
    "The installed service starts a program that is not there any more.",
  ),
  port_taken: entry("warning", true, "person", "Another program listens on the gateway's address."),
  gateway_without_projector: entry(
    "warning",
    false,
    "doctor",
    "No adapter is active, so exchanges are kept and make no rows.",
  ),
  projector_overlap: entry(
    "warning",
    false,
    "person",
    "Two adapters of equal priority want the same exchanges; the one registered first gets them.",
  ),
  preset_overlap: entry(
    "warning",
    false,
    "person",
    "Two upstreams of equal rank want the same requests, and the one registered first gets them; or a plugin sends an upstream of another one elsewhere.",
  ),
  recorder_behind: entry(
    "warning",
    true,
    "doctor",
    "The recorder did not take in the newest exchanges in time.",
  ),
  quarantined: entry("warning", true, "doctor", "Exchanges were set aside because projecting them failed."),
  journal_gap: entry(
    "warning",
    true,
    "person",
    "Exchanges of the last day were carried whole and recorded with holes: the disk was full or too slow.",
  ),
  recent_errors: entry("warning", false, "person", "Gateway or recorder logged errors in the last day."),
  store_damaged: entry("error", true, "person", "The catalog cannot be read."),
  store_newer: entry("error", true, "person", "The store was written by a newer HypAware."),
  client_attach_missing: entry(
    "warning",
    false,
    "doctor",
    "A client is on this machine and its settings do not point at the gateway.",
  ),
  hook_outdated: entry(
    "warning",
    false,
    "doctor",
    "What was written into a client's settings is of an older form.",
  ),
  env_override: entry(
    "warning",
    true,
    "person",
    "Something nearer to a client than its settings overrides where they point.",
  ),
  features_lost: entry(
    "warning",
    false,
    "doctor",
    "A client turns features off behind a base URL, and they can be had back.",
  ),
} as const satisfies Record<string, DiagnosticEntry>;

export type DiagnosticKind = keyof typeof DIAGNOSTICS;

/** One thing found. */
export interface Diagnostic {
  readonly severity: DiagnosticEntry["severity"];
  /** A `DiagnosticKind`, or `gateway_missing_<upstream>_upstream`. */
  readonly kind: string;
  readonly message: string;
  /** Commands that mend it: all in this order where `hyp doctor` repairs it, else one after the other until it is gone. */
  readonly repair: readonly string[];
  /** JSON pointer into the config file. */
  readonly pointer?: string;
}

export function diagnostic(kind: DiagnosticKind, message: string, ...repair: string[]): Diagnostic {
  return { severity: DIAGNOSTICS[kind].severity, kind, message, repair };
}

/** The table's entry of a finding's kind. */
export const entryOf = ({ kind }: Pick<Diagnostic, "kind">): DiagnosticEntry =>
  DIAGNOSTICS[
    /^gateway_missing_.*_upstream$/.test(kind) ? "gateway_missing_upstream" : (kind as DiagnosticKind)
  ];
