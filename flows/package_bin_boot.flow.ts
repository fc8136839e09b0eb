import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { postMessage } from "@hypaware/testkit";
import { withAdapters } from "./lib/configs.ts";
import type { FlowContext } from "./lib/flow.ts";
import { start } from "./lib/process.ts";

export const title =
  "the packed package has what it needs and nothing else, and boots in an empty folder with its own dependencies alone";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** What `hyp plugin new` writes has tests and a fixture. */
const TEMPLATE = "dist/plugins/template/";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

export default async function packageBinBoot(ctx: FlowContext): Promise<void> {
  const source = join(ROOT, "packages", "hypaware");
  const packing = await ctx.run("npm", ["pack", source, "--json", "--pack-destination", ctx.folder], {
    cwd: ctx.folder,
    timeoutMs: 60_000,
  });
  assert.equal(packing.code, 0, packing.stderr);
  const [packed] = JSON.parse(packing.stdout) as readonly Packed[];
  assert.ok(packed !== undefined);
  const paths = packed.files.map(({ path }) => path);
  for (const needed of [
    "bin/hyp.js",
    "package.json",
    "dist/cli/main.js",
    "dist/cli/completion/command-tree.json",
    "dist/contract/plugin.d.ts",
    "dist/adapters/claude/hypaware.plugin.json",
    "dist/adapters/codex/hypaware.plugin.json",
    "dist/gateway/hypaware.plugin.json",
  ])
    assert.ok(paths.includes(needed), `${needed} is packed`);
  assert.deepEqual(
    paths.filter(
      (path) => !path.startsWith(TEMPLATE) && /\.test\.|\.testkit\.|fixtures|^src\/|(?<!\.d)\.ts$/.test(path),
    ),
    [],
    "no tests, fixtures or sources",
  );

  const installed = join(ctx.folder, "empty", "node_modules", "hypaware");
  mkdirSync(installed, { recursive: true });
  const tarball = join(ctx.folder, packed.filename);
  const unpacked = await ctx.run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  assert.equal(unpacked.code, 0, unpacked.stderr);
  linkDependencies(dirname(installed));

  const bin = join(installed, "bin", "hyp.js");
  const hyp = (args: readonly string[]): ReturnType<FlowContext["run"]> =>
    ctx.run(process.execPath, [bin, ...args], { cwd: dirname(dirname(installed)) });
  const help = await hyp(["--help"]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  assert.match(help.stdout, /^Usage: hyp/);
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string };
  assert.equal((await hyp(["--version"])).stdout, `${manifest.version}\n`);
  assert.match((await hyp(["complete", "--", "run", "c"])).stdout, /^claude\t\ncodex\t\n:\n$/);

  ctx.writeConfig(withAdapters(await ctx.fakeProvider()));
  const up = start(process.execPath, [bin, "up"], ctx.env);
  const [, url] = await up.waitForOutput(/(http:\/\/127\.0\.0\.1:\d+)/);
  const answer = await postMessage(String(url), "SAY:text from a package", { sessionId: "packed" });
  assert.equal(answer.failure, undefined);
  const query = await hyp([
    "query",
    "sql",
    "select content_text from ai_gateway_messages",
    "--format",
    "csv",
  ]);
  assert.equal(query.code, 0, query.stderr);
  assert.match(query.stdout, /from a package/);
  up.signal("SIGINT");
  assert.equal((await up.exited).code, 0);
  ctx.note(`${paths.length} files, ${Math.round(packed.size / 1024)} KB packed`);
}

/** What the lock file says that the package needs, and what that needs: as npm would install it, without a registry. */
function linkDependencies(into: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const needed = new Set<string>();
  const add = (locked: LockedPackage | undefined): void => {
    for (const name of Object.keys({ ...locked?.dependencies, ...locked?.optionalDependencies })) {
      if (needed.has(name)) continue;
      needed.add(name);
      add(packages[`node_modules/${name}`]);
    }
  };
  add(packages["packages/hypaware"]);
  for (const name of needed) {
    const source = join(ROOT, "node_modules", name);
    // Binaries for other systems are not installed.
    if (!existsSync(source)) continue;
    mkdirSync(dirname(join(into, name)), { recursive: true });
    symlinkSync(source, join(into, name));
  }
}
