import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const HEAD = /^ref: refs\/heads\/(.+)$/;
const COMMIT = /^[0-9a-f]{40,64}$/;
/** As `git rev-parse --short` shows a commit in most repositories. */
const SHORT = 7;

/**
 * The branch that is checked out in the repository around `cwd`, or the short commit of a detached head. Read from git's own
 * files: a hook runs at every tool call, and starting git twice costs more than all the rest of it. `undefined`: none.
 */
export function gitBranch(cwd: string): string | undefined {
  try {
    const folder = gitFolder(cwd);
    if (folder === undefined) return undefined;
    const head = readFileSync(join(folder, "HEAD"), "utf8").trim();
    return HEAD.exec(head)?.[1] ?? (COMMIT.test(head) ? head.slice(0, SHORT) : undefined);
  } catch {
    return undefined;
  }
}

/** `.git`, or where the file of that name in a worktree or submodule points. */
function gitFolder(cwd: string): string | undefined {
  for (let at = resolve(cwd); ; at = dirname(at)) {
    const path = join(at, ".git");
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) return path;
    if (stat?.isFile()) {
      const target = /^gitdir: (.+)$/m.exec(readFileSync(path, "utf8"))?.[1];
      return target === undefined ? undefined : resolve(at, target);
    }
    if (dirname(at) === at) return undefined;
  }
}
