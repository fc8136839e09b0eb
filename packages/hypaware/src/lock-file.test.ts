import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, "..", "..", "..");
const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const packages = Object.entries(lock.packages);
const PLATFORMS = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"];

/** What a user's `npm install` brings: reached from the package's own dependencies. */
function shipped(): ReadonlyMap<string, Locked> {
  const found = new Map<string, Locked>();
  const waiting = Object.keys(lock.packages["packages/hypaware"]?.dependencies ?? {});
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const locked = lock.packages[`node_modules/${name}`];
    if (locked === undefined || found.has(name)) continue;
    found.set(name, locked);
    waiting.push(...Object.keys({ ...locked.dependencies, ...locked.optionalDependencies }));
  }
  return found;
}

test("every native dependency has its binaries for macOS and Linux, on both processors", () => {
  const all = [...shipped()];
  // A package that offers one binary for a platform is native: all platforms that we name are there.
  const native = all.filter(([, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).some((name) => all.some(([other, { os }]) => other === name && os)),
  );
  expect(native.map(([name]) => name)).toEqual(["@duckdb/node-bindings"]);
  for (const [name, { optionalDependencies = {} }] of native) {
    const offered = Object.keys(optionalDependencies)
      .map((binary) => lock.packages[`node_modules/${binary}`])
      .flatMap((binary) =>
        (binary?.os ?? []).flatMap((os) => (binary?.cpu ?? []).map((cpu) => `${os}-${cpu}`)),
      );
    expect(offered, name).toEqual(expect.arrayContaining(PLATFORMS));
  }
});

test("every binary is pinned by its hash", () => {
  const binaries = [...shipped()].filter(([, { os }]) => os !== undefined);
  expect(binaries.length).toBeGreaterThanOrEqual(PLATFORMS.length);
  for (const [name, { integrity }] of binaries) expect(integrity, name).toMatch(/^sha512-/);
});

test("no dependency runs anything when it is installed", () => {
  const scripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  expect(scripts.map(([path]) => path)).toEqual([]);
});
