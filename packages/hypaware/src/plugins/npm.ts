import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { HypError } from "../contract/errors.ts";
import { LIMITS } from "../contract/limits.ts";
import { scrubText } from "../wire/scrub.ts";
import { type CommandResult, runCommand } from "../kernel/run-command.ts";

type Env = Readonly<Record<string, string | undefined>>;

async function npm(
  args: readonly string[],
  cwd: string,
  env: Env,
  timeoutMs: number,
): Promise<CommandResult> {
  try {
    return await runCommand("npm", args, {
      cwd,
      env: { ...env, npm_config_update_notifier: "false" },
      timeoutMs,
    });
  } catch (error) {
    throw new HypError("npm_fetch_failed", `npm cannot be started: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const failed = (spec: string, { code, stderr }: CommandResult): HypError =>
  new HypError(
    "npm_fetch_failed",
    `npm could not fetch ${spec}: ${code === null ? "it took too long" : scrubText(stderr.trim().split("\n").slice(0, 4).join(" "))}`,
  );

/** The packed package, checked by npm against what the registry says of it. No script of it runs. */
export async function npmTarball(
  { name, version }: { readonly name: string; readonly version: string },
  folder: string,
  env: Env,
): Promise<Uint8Array> {
  const spec = `${name}@${version}`;
  const args = ["pack", spec, "--ignore-scripts", "--silent", "--pack-destination", folder];
  const packed = await npm(args, folder, env, LIMITS.pluginFetchMs);
  if (packed.code !== 0) throw failed(spec, packed);
  const [file] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (file === undefined) throw failed(spec, packed);
  return readTgz(join(folder, file));
}

/** Bounded. Throws the system's error, or HypError `tarball_invalid`. */
export async function readTgz(path: string): Promise<Uint8Array> {
  if ((await stat(path)).size > LIMITS.pluginTarballBytes)
    throw new HypError("tarball_invalid", `${path} has more than ${LIMITS.pluginTarballBytes} bytes.`);
  return readFile(path);
}

/** The version that the registry calls the latest. */
export async function latestVersion(name: string, cwd: string, env: Env, timeoutMs: number): Promise<string> {
  const seen = await npm(["view", name, "version", "--silent"], cwd, env, timeoutMs);
  const version = seen.stdout.trim();
  if (seen.code !== 0 || version === "") throw failed(name, seen);
  return version;
}
