// One table of everything that can go wrong for a person: what happened, and what to do next. docs/errors.md lists it.
// On the data path failures are values (an exchange has an outcome); this is for commands, boot and configuration.

export interface ErrorEntry {
  /** What happened, in general. The thrown error's own message is specific. */
  readonly what: string;
  /** What the person can do now. */
  readonly next: string;
}

export const ERRORS = {
  usage: { what: "The command line was not understood.", next: "Run the command with --help." },
  config_missing: {
    what: "The config file does not exist.",
    next: "Leave --config away to use the default, or create the file.",
  },
  config_exists: {
    what: "There is a config file already, and it is not the one that would be written.",
    next: "Change it with hyp config set, or add --force to replace it (a copy is kept beside it).",
  },
  config_unreadable: { what: "The config file cannot be read.", next: "Check its permissions." },
  config_invalid_json: { what: "The config file is not valid JSON.", next: "Mend the named line." },
  config_invalid_shape: {
    what: "The config file has unknown or wrongly typed keys.",
    next: "Mend the listed places, then run: hyp config validate",
  },
  config_invalid: {
    what: "The config file is well-formed but means something impossible.",
    next: "Mend the listed places, then run: hyp config validate",
  },
  home_unwritable: {
    what: "A folder of the home cannot be made or written.",
    next: "Set HYP_HOME to a folder that you can write to, or make room on the disk.",
  },
  port_taken: {
    what: "Another program listens on the configured address.",
    next: "Stop it, or set another `listen` in the config of @hypaware/ai-gateway.",
  },
  daemon_running: {
    what: "A HypAware daemon already runs for this home.",
    next: "Use it (hyp status), or stop it first.",
  },
  service_unavailable: {
    what: "No service manager of this account answers.",
    next: "Run: hyp daemon start, which runs the daemon without one, until you sign out.",
  },
  service_failed: {
    what: "The service manager refused, or its file cannot be written.",
    next: "See the message. The way out is always: hyp panic",
  },
  service_conflict: {
    what: "The installed service runs another home. An account has one service.",
    next: "Run hyp daemon uninstall with that HYP_HOME first.",
  },
  npx_install: {
    what: "This copy of HypAware is npm's temporary one and will be gone; a service needs a path that stays.",
    next: "Run: npm install -g hypaware, then: hyp daemon install",
  },
  daemon_start_failed: {
    what: "The daemon ended, or did not answer, when it was started.",
    next: "See the message and logs/daemon.err.log.",
  },
  daemon_stop_failed: {
    what: "The daemon does not end.",
    next: "Run: hyp panic, which ends it whatever it does.",
  },
  store_newer: {
    what: "The store was written by a newer HypAware.",
    next: "Use that version; this one will not write to it.",
  },
  store_damaged: {
    what: "The catalog cannot be read.",
    next: "Move store/ away and run hyp reproject: the journal has everything.",
  },
  journal_incomplete: {
    what: "Of everything that was asked for, some raw history is gone from the journal, so nothing can be made again.",
    next: "The rows stay as they are.",
  },
  store_moved: {
    what: "The store changed faster than a reprojection could follow, or another one came first. Nothing was changed.",
    next: "Run it again.",
  },
  lock_held: {
    what: "Another process writes to this store.",
    next: "Wait for it, or stop it.",
  },
  query_not_select: {
    what: "Only one SELECT statement can be run.",
    next: "Remove other statements; the history is read-only.",
  },
  query_failed: {
    what: "The query failed.",
    next: "Mend the SQL; hyp query schema lists tables and columns.",
  },
  unknown_dataset: { what: "There is no such table.", next: "Run: hyp query schema" },
  unknown_exchange: {
    what: "No exchange has this id.",
    next: 'Run: hyp query sql "select exchange_id, path from ai_gateway_exchanges order by started_at desc limit 10"',
  },
  unknown_session: {
    what: "Neither a client's own record nor the history has this session.",
    next: "Run: hyp verify",
  },
  no_record: {
    what: "No record of this client is read.",
    next: "Name a client of the list, or none for all of them.",
  },
  unknown_client: { what: "No client of this name can be started.", next: "Run: hyp run --help" },
  client_not_found: {
    what: "The client's command is not installed or not on PATH.",
    next: "Install it, or name its path in an environment variable as the message says.",
  },
  gateway_unreachable: {
    what: "No gateway answers where the client would be pointed to, so it would stop working. Nothing was written.",
    next: "Start it first: hyp up, or hyp daemon start",
  },
  settings_unreadable: {
    what: "A client's settings cannot be read, or are no file. Nothing was written.",
    next: "Mend what the message names, and run it again.",
  },
  settings_unwritable: {
    what: "A client's settings are read-only, or their folder is. Nothing was written.",
    next: "Make them writable, or start the client with: hyp run <client>",
  },
  settings_too_large: {
    what: "A client's settings file is too large to be one. Nothing was written.",
    next: "Look at the file, or start the client with: hyp run <client>",
  },
  foreign_address: {
    what: "A client is pointed at somebody else's address, for which it holds a key. Nothing was written.",
    next: "Add that address to the gateway's upstreams, as the message says, or replace it with --replace (hyp detach brings it back).",
  },
  not_attachable: {
    what: "This client cannot be attached as it is set up. Nothing was written.",
    next: "See the message.",
  },
  JSONC: {
    what: "A client's settings have comments that the client itself does not read. Nothing was written.",
    next: "Remove the comments, so that the client reads the file again.",
  },
  MALFORMED_JSON: {
    what: "A client's settings are not valid JSON. Nothing was written.",
    next: "Mend the named place, and run it again.",
  },
  NOT_AN_OBJECT: {
    what: "A client's settings are JSON, but no object. Nothing was written.",
    next: "Mend the file, and run it again.",
  },
  MALFORMED_TOML: {
    what: "A client's settings are not valid TOML, or cannot be edited without changing something else. Nothing was written.",
    next: "Mend the named place, and run it again.",
  },
  MALFORMED_ENV: {
    what: "A client's .env is not made of assignments. Nothing was written.",
    next: "Mend the file, and run it again.",
  },
  MALFORMED_MARKER: {
    what: "What hyp attach wrote into a client's settings, or would write, cannot be told from the rest. Nothing was written.",
    next: "Remove the lines between the hypaware comments by hand.",
  },
  CONCURRENT_EDIT: {
    what: "A client's settings were changed by somebody else while they were edited. Nothing was written.",
    next: "Run it again.",
  },
  INVALID_BASE_URL: {
    what: "The gateway's address, to which a client was to be pointed, is no http or https URL.",
    next: "Set `listen` in the config.",
  },
  INVALID_PORT: {
    what: "The gateway's address has no port from 1 to 65535.",
    next: "Set `listen` in the config.",
  },
  plugin_missing: { what: "A plugin needs another plugin that is absent.", next: "Install or enable it." },
  cycle: { what: "Plugins depend on each other in a circle.", next: "Disable one of them." },
  cap_missing: {
    what: "A plugin needs a capability that no active plugin provides.",
    next: "Enable the plugin that provides it.",
  },
  cap_version_clash: {
    what: "A plugin needs another version of a capability than the one provided.",
    next: "Update the plugin, or remove it from the config.",
  },
  installed_shadows_bundled: {
    what: "An installed plugin has the name of one that ships with HypAware.",
    next: "Remove it: hyp plugin remove <name>. The shipped one runs.",
  },
  manifest_invalid: { what: "A plugin's manifest is invalid.", next: "Mend hypaware.plugin.json." },
  activate_missing: { what: "A plugin's entry point has no activate function.", next: "Export one." },
  activate_failed: {
    what: "A plugin threw while it was activated.",
    next: "See the message; the others run.",
  },
  activate_hung: {
    what: "A plugin did not end its activation in time.",
    next: "Update or remove it: hyp plugin doctor. The others run.",
  },
  plugin_changed: {
    what: "An installed plugin's files are not those that were installed.",
    next: "Install it again from its source: hyp plugin update <name>. Until then it is not loaded.",
  },
  plugin_lock_unreadable: {
    what: "plugin-lock.json cannot be read or understood. It is left as it is, and no installed plugin is loaded.",
    next: "Mend it, or move it away and install the plugins again.",
  },
  lock_write_error: {
    what: "plugin-lock.json cannot be written. Nothing was changed.",
    next: "Make room on the disk, or mend the permissions of the data folder.",
  },
  plugin_command_failed: {
    what: "A plugin's command threw.",
    next: "See the message; it is the plugin's to mend: hyp plugin update <name>",
  },
  plugin_not_installed: { what: "No plugin of this name is installed.", next: "Run: hyp plugin list" },
  resolver_error: {
    what: "The source of a plugin was not understood.",
    next: "Name a folder (./my-plugin), a git URL, a .tgz file, or npm:<name>@<version>.",
  },
  source_ambiguous: {
    what: "The git ref is given twice.",
    next: "Use either --ref or #ref at the end of the URL.",
  },
  fetch_unsupported: {
    what: "A plugin cannot be fetched by this name.",
    next: "Name where it comes from: npm:<name>@<version>, a git URL or a folder.",
  },
  local_dir_missing: { what: "The folder or file of a plugin does not exist.", next: "Check the path." },
  local_dir_invalid: {
    what: "The folder of a plugin is no folder, or cannot be read.",
    next: "Name the folder that holds hypaware.plugin.json.",
  },
  git_unavailable: {
    what: "The command git cannot be started.",
    next: "Install git, or use a folder or a .tgz.",
  },
  git_clone_failed: {
    what: "git could not fetch the repository, or not in time.",
    next: "Try the same with git clone; it says what is missing. No password is asked for here.",
  },
  git_ref_not_found: {
    what: "The repository has no such branch, tag or commit.",
    next: "Look with: git ls-remote <url>",
  },
  git_checkout_failed: {
    what: "git could not check out the commit.",
    next: "Try the same with git checkout.",
  },
  npm_fetch_failed: {
    what: "npm could not fetch the package, or not in time.",
    next: "Try the same with: npm pack <name>@<version>",
  },
  tarball_invalid: {
    what: "A packed plugin is damaged, or holds something that may not be unpacked. Nothing was written.",
    next: "Pack it again with npm pack; only plain files and folders below package/ are taken.",
  },
  artifact_symlink_unsupported: {
    what: "A plugin holds a symbolic link.",
    next: "Put the file itself in its place.",
  },
  artifact_invalid: {
    what: "A plugin is too large, has too many files, or one that is no plain file.",
    next: "Leave out what it does not need to run.",
  },
  artifact_copy_failed: {
    what: "A plugin's files could not be copied. What was installed before is untouched.",
    next: "Look at the message; make room on the disk, or mend permissions.",
  },
  manifest_name_mismatch: {
    what: "The source of an installed plugin now holds a plugin of another name.",
    next: "Install that one by itself, or remove the old one: hyp plugin remove <name>",
  },
  remote_install_confirmation_required: {
    what: "A plugin from elsewhere is installed only after you agreed to what it says it needs.",
    next: "Run it in a terminal, or read what is shown and add --yes.",
  },
  remote_install_rejected: {
    what: "You did not agree, so nothing was installed.",
    next: "Run it again to agree.",
  },
  folder_not_empty: { what: "The folder to write to holds something.", next: "Name another one with --dir." },
  unhandled_exception: {
    what: "A bug of ours.",
    next: "Run again with HYP_DEV_TELEMETRY=1 and report the log lines.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** What validation can find in a well-formed config; each finding's own message is specific. */
export const FINDINGS = {
  duplicate_plugin: "One plugin is listed twice.",
  plugin_unknown: "A listed plugin is neither shipped nor installed.",
  sink_plugin_unknown: "A sink names a plugin that is neither shipped nor installed.",
  sink_writer_invalid: "A sink's writer encodes nothing.",
  sink_pair_incompatible: "A sink's plugins cannot work together, or it names none.",
  sink_destination_invalid: "A sink's destination stores nothing.",
  sink_encoder_invalid: "A sink's pinned encoder encodes nothing.",
  request_sink_invalid_keys: "A sink mixes {writer, destination} with {plugin}.",
  sink_schedule_invalid: "A sink's schedule is not a 5-field cron expression.",
  dataset_unknown: "Retention is set for a table that does not exist.",
  capability_ambiguous: "Several plugins provide one capability, or `disambiguate` names none of them.",
  config_section_invalid: "A plugin's own `config` is wrong.",
  upstream_taken_over:
    "Advice: a plugin sends an upstream of another plugin to another address. Nothing is refused; look whether you want it.",
  client_without_gateway: "Advice: a plugin needs the gateway, and no enabled plugin provides it.",
} as const;

/** Kinds of config findings. `gateway_missing_<upstream>_upstream` is advice: a client has no upstream to go to. */
export type FindingKind =
  | "config_missing"
  | "config_unreadable"
  | "config_invalid_json"
  | "config_invalid_shape"
  | keyof typeof FINDINGS
  | `gateway_missing_${string}_upstream`;

/** One thing wrong in the config file. */
export interface Finding {
  readonly severity: "error" | "warning";
  readonly kind: FindingKind;
  /** JSON pointer into the config file; empty for the file as a whole. */
  readonly pointer: string;
  readonly message: string;
}

/** An error that a person will read. `exitCode`: 2 where the command line lacks something, 1 for everything else. */
export class HypError extends Error {
  readonly code: ErrorCode;
  /** Overrides the table's advice when the place knows better. */
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: { next?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HypError";
    this.code = code;
    this.next = options.next ?? ERRORS[code].next;
  }

  get exitCode(): 1 | 2 {
    return this.code === "usage" || this.code === "remote_install_confirmation_required" ? 2 : 1;
  }
}
