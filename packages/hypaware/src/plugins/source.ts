import { homedir } from "node:os";
import { resolve } from "node:path";
import { HypError } from "../contract/errors.ts";
import { PLUGIN_NAME } from "../kernel/manifest-schema.ts";
import type { LockedSource } from "./plugin-lock.ts";
import { withoutUserinfo } from "./userinfo.ts";

/** Where a plugin is to come from. */
export interface Source {
  readonly locked: LockedSource;
  /** `user:password` of the URL as it was typed: for the one fetch, never stored or shown. */
  readonly userinfo?: string;
}

export interface SourceOptions {
  readonly ref?: string | undefined;
  readonly path?: string | undefined;
  readonly cwd: string;
  readonly home?: string | undefined;
}

const HOSTS: Readonly<Record<string, string>> = {
  github: "https://github.com",
  gitlab: "https://gitlab.com",
  bitbucket: "https://bitbucket.org",
};
const GIT_URL = /^(?:git|ssh|https?|file):\/\/./;
const SCP_LIKE = /^[\w.-]+@[\w.-]+:(?!\/\/)./;
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;

/** Understands what a person typed. Throws HypErrors that say what else to type. */
export function parseSource(typed: string, options: SourceOptions): Source {
  for (const [what, value] of Object.entries({ source: typed, ref: options.ref, path: options.path }))
    if (value !== undefined && (value === "" || value.startsWith("-") || value.includes("\0")))
      throw new HypError("resolver_error", `${JSON.stringify(value)} is no ${what} of a plugin.`);
  const git = gitUrlOf(typed);
  if (git !== undefined) return gitSource(typed, git, options);
  for (const flag of ["ref", "path"] as const)
    if (options[flag] !== undefined)
      throw new HypError("resolver_error", `--${flag} is for git only, and ${typed} is no git URL.`);
  if (typed.startsWith("npm:")) return npmSource(typed);
  if (isPath(typed)) {
    const path = resolve(
      options.cwd,
      typed.replace(/^~(?=\/|$)/, () => options.home ?? homedir()),
    );
    const kind = /\.(?:tgz|tar\.gz)$/.test(path) ? "tarball" : "local-dir";
    return { locked: { kind, raw: typed, path } };
  }
  throw noSource(typed);
}

const isPath = (typed: string): boolean =>
  /^\.{1,2}$|^(?:\.{1,2}|~)?\//.test(typed) ||
  typed === "~" ||
  /^[^@][^:]*\//.test(typed) ||
  /^[^@:]*\.tgz$/.test(typed);

function noSource(typed: string): HypError {
  if (typed.startsWith("@hypaware/"))
    return new HypError("fetch_unsupported", `${typed} would be a plugin that ships with HypAware.`, {
      next: 'Name it under "plugins" in the config; hyp plugin list shows those that ship.',
    });
  if (PLUGIN_NAME.test(typed))
    return new HypError("fetch_unsupported", `"${typed}" does not say where it comes from.`, {
      next: `Run: hyp plugin install npm:${typed}@<version>, or name a folder (./${typed.replace(/^.*\//, "")}) or a git URL.`,
    });
  return new HypError(
    "resolver_error",
    `"${typed}" is no folder, git URL, .tgz file or npm:<name>@<version>.`,
  );
}

/** URL and ref of what git shall fetch; `undefined` when it is not for git. */
function gitUrlOf(typed: string): { readonly url: string; readonly ref: string | undefined } | undefined {
  const [, base = "", hash] = /^([^#]*)(?:#(.*))?$/s.exec(typed) ?? [];
  const [, host = "", repository] = /^(github|gitlab|bitbucket):(?!\/\/)(.+)$/.exec(base) ?? [];
  if (repository !== undefined) {
    if (!/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)+$/.test(repository))
      throw new HypError("resolver_error", `"${typed}" is not ${host}:<owner>/<repository>.`);
    return { url: `${HOSTS[host]}/${repository.replace(/\.git$/, "")}.git`, ref: hash };
  }
  const url = base.replace(/^git\+(?=(?:https?|ssh|file):\/\/)/, "");
  if (/^https?:\/\/.*\.(?:tgz|tar\.gz)$/.test(url))
    throw new HypError("fetch_unsupported", "A packed plugin is not fetched from a URL.", {
      next: "Download it, look at it, and install the file; or name it as npm:<name>@<version>.",
    });
  return GIT_URL.test(url) || SCP_LIKE.test(url) ? { url, ref: hash } : undefined;
}

function gitSource(
  typed: string,
  { url, ref: hash }: { readonly url: string; readonly ref: string | undefined },
  { ref: flag, path }: SourceOptions,
): Source {
  if (flag !== undefined && hash !== undefined)
    throw new HypError("source_ambiguous", `The ref is given as --ref ${flag} and as #${hash}.`);
  const ref = flag ?? hash;
  if (ref !== undefined && !/^(?!-)[\w./@+-]+$/.test(ref))
    throw new HypError("resolver_error", `"${ref}" is no branch, tag or commit.`);
  if (path !== undefined && /^[/\\]|\\|(?:^|\/)\.\.?(?:\/|$)/.test(path))
    throw new HypError("resolver_error", `--path ${path} is no folder inside the repository.`);
  const bare = withoutUserinfo(url);
  return {
    locked: {
      kind: "git",
      raw: withoutUserinfo(typed).url,
      gitUrl: bare.url,
      ...(ref !== undefined && { ref }),
      ...(path !== undefined && { path: path.replace(/\/+$/, "") }),
    },
    ...(bare.userinfo !== undefined && { userinfo: bare.userinfo }),
  };
}

function npmSource(typed: string): Source {
  const [, name = "", version] = /^npm:((?:@[^@/]+\/)?[^@/]+)@(.+)$/.exec(typed) ?? [];
  if (!PLUGIN_NAME.test(name) || version === undefined || !EXACT_VERSION.test(version))
    throw new HypError(
      "resolver_error",
      `"${typed}" is not npm:<name>@<version> with a whole version like 1.2.3.`,
      {
        next: "Versions are pinned; look for them with: npm view <name> versions",
      },
    );
  return { locked: { kind: "npm", raw: typed } };
}

/** Of a source `npm:<name>@<version>`. */
export function npmSpec({ raw }: LockedSource): { readonly name: string; readonly version: string } {
  const spec = raw.slice("npm:".length);
  const at = spec.lastIndexOf("@");
  return { name: spec.slice(0, at), version: spec.slice(at + 1) };
}
