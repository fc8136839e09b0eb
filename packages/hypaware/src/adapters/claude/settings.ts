import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type {
  ClientFinding,
  ClientSettings,
  Json,
  JsonObject,
  SettingsChange,
  SettingsMark,
} from "../../contract/plugin.ts";
import { asName, asObject, asObjects } from "../../protocols/loose.ts";
import { BASE_URL, type Environment, FEATURES, UNCHANGED } from "./features.ts";
import { STATE_FILE } from "./hook/state-file.ts";

const EVENTS = ["SessionStart", "CwdChanged", "UserPromptSubmit", "PostToolUse"] as const;
const MANAGED = /\bclaude-hook\s+session-context\b/;

export interface ClaudeSettingsOptions {
  readonly env: Environment;
  readonly version: string;
  /** The plugin's own folder, where hooks write. */
  readonly stateDir: string;
}

/** Settings of the machine's owner. */
const MANAGED_FILES = [
  "/etc/claude-code/managed-settings.json",
  "/Library/Application Support/ClaudeCode/managed-settings.json",
];

/** `settings.json` of Claude Code: where it sends its requests, what it keeps on behind a base URL, and the hooks that tell places. */
export function claudeSettings(options: ClaudeSettingsOptions): ClientSettings {
  const { env, version, stateDir } = options;
  const home = env["CLAUDE_CONFIG_DIR"] || join(env["HOME"] || homedir(), ".claude");
  const stateFile = join(stateDir, STATE_FILE);
  const file = join(home, "settings.json");
  return {
    client: "claude",
    version,
    title: "Claude Code",
    format: "json",
    isStrict: true,
    pathKey: "settings_path",
    file: () => file,
    installed: { command: env["HYP_CLAUDE_BIN"] || "claude", folder: home },

    wish({ endpoint, hyp, without = [], values }) {
      const own = asObject(values["env"]);
      const features = FEATURES.filter(
        ({ flag, name }) => !without.includes(flag) && own?.[name] === undefined,
      );
      const withHooks = !without.includes("hooks");
      const outside = env[BASE_URL];
      return {
        changes: [
          set(BASE_URL, endpoint, { upstream: "anthropic" }),
          ...features.map(({ name, value }) => set(name, value)),
          ...(withHooks ? hooksFor(hookCommand(hyp, stateFile)) : []),
        ],
        lines: [
          `${BASE_URL} = ${endpoint}`,
          ...features.map(
            ({ name, value, why, flag }) => `${name} = ${value}: ${why} (--no-${flag} leaves it out)`,
          ),
          UNCHANGED,
          ...(withHooks
            ? [
                `hooks ${EVENTS.join(", ")}: tell in which folder and branch a session works (--no-hooks leaves them out)`,
              ]
            : []),
        ],
        marker: { state_file: stateFile, ...(without.length > 0 && { without }) },
        // Its settings go before the variable, so the key that is meant for that place would come to us.
        ...(outside &&
          own?.[BASE_URL] === undefined && {
            elsewhere: [{ where: `${BASE_URL} in the environment`, value: outside, upstream: "anthropic" }],
          }),
      };
    },

    managed: { path: ["hooks", "*", "*", "hooks", "*"], isOurs: isOurHook },
    wroteBefore: ({ port }) => [{ path: ["env", BASE_URL], value: `http://127.0.0.1:${port}` }],
    findings: (mark, values) => [...outdated(values, stateFile), ...lost(mark, values, env)],
    // Not the environment: measured with 2.1.197 and 2.1.330, the settings go before it.
    overridden: {
      paths: [["env", BASE_URL]],
      project: [".claude/settings.local.json", ".claude/settings.json"],
      machine: MANAGED_FILES,
    },
  };
}

const set = (name: string, value: string, address?: { readonly upstream: string }): SettingsChange => ({
  kind: "set",
  path: ["env", name],
  value,
  ...(address && { address }),
});

function hooksFor(command: string): readonly SettingsChange[] {
  return EVENTS.map((event) => {
    const hooks = [{ type: "command", command }];
    const value: JsonObject = event === "PostToolUse" ? { matcher: "Bash", hooks } : { hooks };
    return { kind: "add", path: ["hooks", event], value };
  });
}

const hookCommand = (hyp: string, stateFile: string): string =>
  `${quoted(hyp)} claude-hook session-context --state-file ${quoted(stateFile)}`;

const quoted = (word: string): string =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

function commandOf(hook: Json): string | undefined {
  const handler = asObject(hook);
  return handler?.["type"] === "command" ? asName(handler["command"]) : undefined;
}

function isOurHook(hook: Json): boolean {
  return MANAGED.test(commandOf(hook) ?? "");
}

function ourCommands(values: JsonObject): readonly string[] {
  return Object.values(asObject(values["hooks"]) ?? {})
    .flatMap(asObjects)
    .flatMap((group) => asObjects(group["hooks"]))
    .filter(isOurHook)
    .flatMap((hook) => commandOf(hook) ?? []);
}

/** Hooks that an older version wrote, or whose program is gone. */
function outdated(values: JsonObject, stateFile: string): readonly ClientFinding[] {
  const repair = ["hyp attach claude"];
  const wrong = ourCommands(values).flatMap((command) => {
    if (!command.includes("--state-file")) return ["its hooks are of an older version, which named a port"];
    const program = /^(?:'([^']*)'|(\S+))/.exec(command)?.slice(1).find(Boolean) ?? "";
    if (isAbsolute(program) && !existsSync(program)) return [`its hooks call ${program}, which is gone`];
    return command.includes(stateFile) ? [] : ["its hooks write for another HYP_HOME"];
  });
  return [...new Set(wrong)].map((why) => ({
    kind: "hook_outdated",
    message: `Claude Code: ${why}.`,
    repair,
  }));
}

/** What the client turns off behind a base URL, unless the person wanted it so: by a value of one's own, or when attaching. */
function lost(mark: SettingsMark, values: JsonObject, env: Environment): readonly ClientFinding[] {
  const own = asObject(values["env"]);
  const without = Array.isArray(mark["without"]) ? (mark["without"] as readonly Json[]) : [];
  const missing = FEATURES.filter(
    ({ name, flag }) => own?.[name] === undefined && env[name] === undefined && !without.includes(flag),
  );
  return missing.map(({ name, value, loss }) => ({
    kind: "features_lost",
    message: `Claude Code behind a base URL: ${loss}. ${name}=${value} brings it back.`,
    repair: ["hyp attach claude"],
  }));
}
