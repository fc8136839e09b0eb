import { type Diagnostic, diagnostic } from "../contract/diagnostics.ts";
import type { Finding } from "../contract/errors.ts";

/** Writes a config for what is on this machine, and keeps a copy of the one that is there; starts and reads nothing. */
const REWRITE = "hyp init --yes --force --no-daemon --no-import";

/** What is wrong with the config file, and what could be better. */
export function configDiagnostics(findings: readonly Finding[], path: string): readonly Diagnostic[] {
  return findings.map((finding) => ({
    ...ofFinding(finding, path),
    ...(finding.pointer !== "" && { pointer: finding.pointer }),
  }));
}

function ofFinding({ severity, kind, message }: Finding, path: string): Diagnostic {
  switch (kind) {
    case "config_missing":
      return diagnostic("config_missing", message, "hyp init --yes --no-daemon --no-import");
    case "config_unreadable":
      return diagnostic("config_unreadable", message, `chmod u+rw '${path}'`, REWRITE);
    case "config_invalid_json":
    case "config_invalid_shape":
      return diagnostic("config_unreadable", `[${kind}] ${message}`, REWRITE);
    case "upstream_taken_over": {
      const plugin = /^plugin "([^"]+)"/.exec(message)?.[1] ?? "";
      return diagnostic("preset_overlap", message, `hyp config disable ${plugin}`);
    }
    case "client_without_gateway":
      return diagnostic("client_without_gateway", message, "hyp config enable @hypaware/ai-gateway");
    default: {
      const found = diagnostic("config_invalid", `[${kind}] ${message}`, ...repairOf(kind, message));
      return { ...found, severity };
    }
  }
}

function repairOf(kind: Finding["kind"], message: string): readonly string[] {
  const named = /plugin "([^"]+)"/.exec(message)?.[1];
  const isEntry = kind === "plugin_unknown" || kind === "duplicate_plugin";
  return isEntry && named !== undefined ? [`hyp config remove ${named}`] : ["hyp config validate", REWRITE];
}
