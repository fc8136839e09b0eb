import { basename } from "node:path";

/**
 * Where this program is, for hooks that call it later: what the environment says, else the command that was called when it is one on
 * a PATH (an update leaves it in its place), else the package's own. Absolute.
 */
export function hypCommand(env: Readonly<Record<string, string | undefined>>, own: string): string {
  const named = env["HYPAWARE_BIN"] || env["HYP_BIN"];
  if (named !== undefined && named !== "") return named;
  const called = process.argv[1] ?? "";
  return ["hyp", "hypaware"].includes(basename(called)) && !called.includes("/_npx/") ? called : own;
}
