import type { JsonObject } from "../../contract/plugin.ts";
import { asName, asObject, known } from "../../protocols/loose.ts";

/** A folder that the client says it works in, and what it knows of its repository. */
export interface Workspace {
  readonly path: string;
  readonly originUrl?: string;
  readonly commit?: string;
  readonly hasChanges?: boolean;
}

/**
 * The workspace that a request is about, of those in its metadata: the one that is the recorded cwd, else the innermost that
 * contains it, else the only one. None rather than a wrong one.
 */
export function selectWorkspace(metadata: JsonObject, cwd: string | undefined): Workspace | undefined {
  const all = Object.entries(asObject(metadata["workspaces"]) ?? {}).filter(([path]) => path !== "");
  const paths = all.map(([path]) => path);
  const containing = cwd === undefined ? [] : paths.filter((path) => contains(path, cwd));
  const [innermost] = containing.toSorted((a, b) => folder(b).length - folder(a).length);
  const path = innermost ?? (paths.length === 1 ? paths[0] : undefined);
  if (path === undefined) return undefined;
  const facts = asObject(all.find(([each]) => each === path)?.[1]);
  const hasChanges = facts?.["has_changes"];
  return {
    path,
    ...known({
      originUrl: asName(asObject(facts?.["associated_remote_urls"])?.["origin"]),
      commit: asName(facts?.["latest_git_commit_hash"]),
      hasChanges: typeof hasChanges === "boolean" ? hasChanges : undefined,
    }),
  };
}

function contains(path: string, cwd: string): boolean {
  const [outer, inner] = [folder(path), folder(cwd)];
  return inner === outer || inner.startsWith(`${outer}/`) || inner.startsWith(`${outer}\\`);
}

/** Without separators at its end. */
function folder(path: string): string {
  return path.replace(/[/\\]+$/, "");
}
