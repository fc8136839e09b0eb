import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import type { Observer } from "../kernel/telemetry.ts";
import type { LockedSource } from "./plugin-lock.ts";
import { type CommandResult, runCommand } from "../kernel/run-command.ts";
import { scrubText } from "../wire/scrub.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Nobody is asked for anything, no hook or filter of the machine runs, and nothing but these ways leads out. */
const QUIET_GIT = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "",
  GCM_INTERACTIVE: "never",
  GIT_LFS_SKIP_SMUDGE: "1",
  GIT_ALLOW_PROTOCOL: "file:git:http:https:ssh",
};

interface Git {
  (args: readonly string[], timeoutMs?: number): Promise<CommandResult>;
}

/** `userinfo`: put into the URL inside git, so that no list of processes and no file of the clone shows it. */
function gitIn(cwd: string, env: Env, { gitUrl = "" }: LockedSource, userinfo?: string): Git {
  const settings: [string, string][] = [["core.hooksPath", "/dev/null"]];
  if (userinfo !== undefined) settings.push([`url.${withUserinfo(gitUrl, userinfo)}.insteadOf`, gitUrl]);
  const configured = Object.fromEntries(
    settings.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  );
  const own = Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^GIT_(?:DIR|WORK_TREE|INDEX_FILE|CONFIG_(?:COUNT|KEY|VALUE|PARAMETERS))/.test(name),
    ),
  );
  const GIT_SSH_COMMAND = env["GIT_SSH_COMMAND"] ?? "ssh -o BatchMode=yes";
  const all = {
    ...own,
    ...QUIET_GIT,
    GIT_SSH_COMMAND,
    GIT_CONFIG_COUNT: String(settings.length),
    ...configured,
  };
  return async (args, timeoutMs = LIMITS.pluginFetchMs) => {
    try {
      const result = await runCommand("git", args, { cwd, env: all, timeoutMs });
      const clean = (text: string): string =>
        userinfo === undefined ? text : text.replaceAll(userinfo, "[redacted]");
      return { ...result, stderr: clean(result.stderr) };
    } catch (error) {
      throw new HypError("git_unavailable", `git cannot be started: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
}

function withUserinfo(url: string, userinfo: string): string {
  return url.replace(/:\/\/(?:[^/@]*@)?/, () => `://${userinfo}@`);
}

const why = ({ code, stderr }: CommandResult, timeoutMs: number = LIMITS.pluginFetchMs): string =>
  code === null
    ? `it did not end within ${timeoutMs} ms`
    : scrubText(stderr.trim().split("\n").slice(-3).join(" "));

export interface Checkout {
  readonly folder: string;
  readonly commit: string;
  /** Neither a tag nor a commit was asked for: the next fetch may bring something else. */
  readonly isUnpinned: boolean;
}

/** Clones into `folder`/repository and checks out what the source names. */
export async function checkOut(
  source: LockedSource,
  userinfo: string | undefined,
  folder: string,
  env: Env,
  { telemetry }: Observer,
): Promise<Checkout> {
  const { gitUrl = "", ref } = source;
  const repository = join(folder, "repository");
  const outside = gitIn(folder, env, source, userinfo);
  const git = gitIn(repository, env, source, userinfo);
  const attributes = { git_url: gitUrl, ...(ref !== undefined && { git_ref: ref }) };
  await telemetry.span("plugin.git.clone", attributes, async () => {
    const clone = [
      "clone",
      "--quiet",
      "--filter=blob:none",
      "--no-checkout",
      "--template=",
      "--",
      gitUrl,
      repository,
    ];
    const cloned = await outside(clone);
    if (cloned.code !== 0)
      throw new HypError("git_clone_failed", `git clone ${gitUrl} failed: ${why(cloned)}`);
  });
  const found = await telemetry.span("plugin.git.resolve_ref", attributes, async (span) => {
    const resolved = await resolveRef(git, ref);
    if (resolved === undefined)
      throw new HypError(
        "git_ref_not_found",
        `${gitUrl} has no ${ref === undefined ? "commit" : `"${ref}"`}.`,
      );
    span.set({ git_commit: resolved.commit });
    return resolved;
  });
  await telemetry.span("plugin.git.checkout", { git_commit: found.commit }, async () => {
    const out = await git(["checkout", "--quiet", "--detach", found.commit]);
    if (out.code !== 0)
      throw new HypError(
        "git_checkout_failed",
        `git checkout ${found.commit} of ${gitUrl} failed: ${why(out)}`,
      );
  });
  return { folder: repository, ...found };
}

async function resolveRef(
  git: Git,
  ref: string | undefined,
): Promise<{ readonly commit: string; readonly isUnpinned: boolean } | undefined> {
  const at = async (name: string, isUnpinned: boolean) => {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    const { code, stdout } = await git(args);
    return code === 0 ? { commit: stdout.trim(), isUnpinned } : undefined;
  };
  if (ref === undefined) return at("refs/remotes/origin/HEAD", true);
  const name = ref.replace(/^refs\/(?:heads|tags)\//, "");
  return (
    (ref.startsWith("refs/heads/") ? undefined : await at(`refs/tags/${name}`, false)) ??
    (await at(`refs/remotes/origin/${name}`, true)) ??
    (/^[0-9a-f]{7,40}$/.test(ref) ? await at(ref, false) : undefined)
  );
}

/** The commit to which the source's branch or tag leads now; `undefined` for a pinned commit. Throws HypErrors. */
export async function newestCommit(source: LockedSource, cwd: string, env: Env): Promise<string | undefined> {
  const { gitUrl = "", ref } = source;
  if (ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) return undefined;
  const timeoutMs = probeTimeout(env);
  const wanted =
    ref === undefined ? ["HEAD"] : [`refs/tags/${ref}`, `refs/tags/${ref}^{}`, `refs/heads/${ref}`, ref];
  const git = gitIn(cwd, env, source);
  const listed = await git(["ls-remote", "--quiet", "--", gitUrl, ...wanted], timeoutMs);
  if (listed.code !== 0)
    throw new HypError("git_clone_failed", `git ls-remote ${gitUrl} failed: ${why(listed, timeoutMs)}`);
  const commits = new Map(
    listed.stdout.split("\n").flatMap((line): [string, string][] => {
      const [commit = "", name] = line.split("\t");
      return name === undefined ? [] : [[name, commit]];
    }),
  );
  // A tag that is an object of its own is listed twice: what it points at is the commit.
  const commit = [`refs/tags/${ref}^{}`, ...wanted]
    .map((name) => commits.get(name))
    .find((one) => one !== undefined);
  // A short commit is listed nowhere, and does not move.
  if (commit === undefined && ref !== undefined && /^[0-9a-f]{7,40}$/.test(ref)) return undefined;
  if (commit === undefined)
    throw new HypError("git_ref_not_found", `${gitUrl} has no "${ref ?? "HEAD"}" any more.`);
  return commit;
}

/** HYP_GIT_PROBE_TIMEOUT_MS, between 250 and 60,000. */
export function probeTimeout(env: Env): number {
  const wanted = Number(env["HYP_GIT_PROBE_TIMEOUT_MS"]);
  return Number.isFinite(wanted) && wanted > 0
    ? Math.min(Math.max(wanted, 250), 60_000)
    : LIMITS.pluginProbeMs;
}
