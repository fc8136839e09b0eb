import type { App } from "../../app.ts";
import { HypError } from "../../contract/errors.ts";
import type { Candidate } from "../../plugins/candidate.ts";
import type { InstallWorld } from "../../plugins/install.ts";
import { confirm } from "../confirm.ts";
import type { CliContext } from "../context.ts";
import { visible } from "../../query/formats/cell-text.ts";

/** An install by this command: what comes from elsewhere is shown, and agreed to by `--yes` or at the terminal. */
export function installWorld(
  app: App,
  context: CliContext,
  { yes }: { readonly yes: boolean },
): InstallWorld {
  return {
    paths: app.paths,
    shipped: app.shipped,
    env: context.env,
    observer: app,
    now: () => new Date(),
    async consent(candidate) {
      for (const warning of candidate.warnings) context.stderr.write(`warning: ${visible(warning)}\n`);
      if (!candidate.needsConsent) return "not_needed";
      context.stderr.write(summary(candidate));
      if (yes) return "auto_yes";
      if (!process.stdin.isTTY || !context.stderr.isTTY)
        throw new HypError(
          "remote_install_confirmation_required",
          `Plugin "${candidate.manifest.name}" comes from elsewhere, and nobody is here to agree to it.`,
        );
      if (await confirm("Proceed?", context.stderr)) return "confirmed";
      throw new HypError("remote_install_rejected", "Nothing was installed.");
    },
  };
}

function summary({ manifest, source, resolvedRef, contentHash, files }: Candidate): string {
  const lines = {
    source: source.raw,
    ...(source.path !== undefined && { path: source.path }),
    ...(resolvedRef !== undefined && { resolved_ref: resolvedRef }),
    content_hash: contentHash,
    files: String(files),
    permissions: manifest.permissions?.join(", ") || "none",
    entrypoint: manifest.entrypoint,
  };
  const told = Object.entries(lines).map(([name, value]) => `  ${name.padEnd(13)} ${visible(value)}\n`);
  return `About to install plugin ${manifest.name}@${manifest.version}\n${told.join("")}It will run with all your rights, whatever permissions it names.\n`;
}
