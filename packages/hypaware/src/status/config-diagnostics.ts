import { type Diagnostic, diagnostic } from "../contract/diagnostics.ts";
import type { Finding } from "../contract/errors.ts";
import type { Kernel } from "../kernel/boot.ts";

const REWRITE = "hyp init --force";

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
      return diagnostic("config_missing", message, "hyp init --yes");
    case "config_unreadable":
      return diagnostic("config_unreadable", message, `chmod u+rw '${path}'`, REWRITE);
    case "config_invalid_json":
    case "config_invalid_shape":
      return diagnostic("config_unreadable", `[${kind}] ${message}`, REWRITE);
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

/** Plugins that were to run and do not. */
export function pluginDiagnostics({ unsatisfied, failed }: Kernel): readonly Diagnostic[] {
  return [...unsatisfied, ...failed].map(({ plugin, errorKind, detail }) => {
    const message = detail.includes(plugin) ? detail : `${plugin}: ${detail}`;
    const off = `hyp config disable ${plugin}`;
    switch (errorKind) {
      case "cap_version_clash":
        return diagnostic("capability_version_clash", message, `hyp plugin update ${plugin}`, off);
      case "installed_shadows_bundled":
        return diagnostic("installed_shadows_bundled", message, `hyp plugin remove ${plugin}`);
      case "plugin_missing":
      case "cycle":
      case "cap_missing":
      case "activate_missing":
      case "manifest_invalid":
        return diagnostic(errorKind, message, off);
      default:
        return diagnostic("activate_failed", message, off);
    }
  });
}
