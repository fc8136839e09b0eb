import { DIAGNOSTICS, type Diagnostic, type DiagnosticKind, diagnostic } from "../contract/diagnostics.ts";
import { type DoctorInput, pluginProblems } from "../plugins/doctor.ts";

/** What keeps plugins from running, as `hyp plugin doctor` tells it. */
export async function pluginDiagnostics(input: DoctorInput): Promise<readonly Diagnostic[]> {
  const problems = await pluginProblems(input);
  return problems.map(({ plugin, kind, message, repair }) =>
    diagnostic(kindOf(kind), message.includes(plugin) ? message : `${plugin}: ${message}`, ...repair),
  );
}

function kindOf(kind: string): DiagnosticKind {
  if (kind === "cap_version_clash") return "capability_version_clash";
  return kind in DIAGNOSTICS ? (kind as DiagnosticKind) : "activate_failed";
}
