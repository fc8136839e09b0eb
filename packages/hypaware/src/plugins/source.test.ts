import { expect, test } from "vitest";
import { HypError } from "../contract/errors.ts";
import { npmSpec, parseSource } from "./source.ts";

const parse = (typed: string, options: { ref?: string; path?: string } = {}) =>
  parseSource(typed, { cwd: "/home/me/project", home: "/home/me", ...options });

test.each([
  [".", "/home/me/project"],
  ["./x", "/home/me/project/x"],
  ["../x", "/home/me/x"],
  ["/opt/x", "/opt/x"],
  ["~/x", "/home/me/x"],
  ["plugins/x", "/home/me/project/plugins/x"],
])("%s is a folder", (typed, path) => {
  expect(parse(typed)).toEqual({ locked: { kind: "local-dir", raw: typed, path } });
});

test.each(["./x-1.0.0.tgz", "x-1.0.0.tgz", "/x.tar.gz"])("%s is a packed plugin", (typed) => {
  expect(parse(typed).locked.kind).toBe("tarball");
});

test.each([
  ["github:o/r", "https://github.com/o/r.git"],
  ["gitlab:group/sub/r.git", "https://gitlab.com/group/sub/r.git"],
  ["bitbucket:o/r", "https://bitbucket.org/o/r.git"],
  ["https://github.com/o/r", "https://github.com/o/r"],
  ["git+https://git.example/o/r.git", "https://git.example/o/r.git"],
  ["git://git.example/r", "git://git.example/r"],
  ["ssh://git@git.example/r", "ssh://git@git.example/r"],
  ["git@github.com:o/r.git", "git@github.com:o/r.git"],
  ["file:///srv/r.git", "file:///srv/r.git"],
])("%s is for git", (typed, gitUrl) => {
  expect(parse(typed)).toEqual({ locked: { kind: "git", raw: typed, gitUrl } });
  expect(parse(`${typed}#v1.0`)).toEqual({
    locked: { kind: "git", raw: `${typed}#v1.0`, gitUrl, ref: "v1.0" },
  });
  expect(parse(typed, { ref: "main", path: "a/b/" }).locked).toEqual({
    kind: "git",
    raw: typed,
    gitUrl,
    ref: "main",
    path: "a/b",
  });
});

test("what is secret in a URL is known for the fetch and nowhere else", () => {
  const { locked, userinfo } = parse("https://me:pa@ss@git.example/o/r@x.git#v1");
  expect(userinfo).toBe("me:pa@ss");
  expect(locked).toEqual({
    kind: "git",
    raw: "https://git.example/o/r@x.git#v1",
    gitUrl: "https://git.example/o/r@x.git",
    ref: "v1",
  });
  expect(parse("https://token@git.example/r").locked.gitUrl).toBe("https://git.example/r");
  expect(parse("git+ssh://git:pw@git.example/r").locked.raw).toBe("git+ssh://git@git.example/r");
});

test("npm names a package and one version", () => {
  for (const [typed, name, version] of [
    ["npm:x@1.2.3", "x", "1.2.3"],
    ["npm:@me/x@1.2.3-beta.1", "@me/x", "1.2.3-beta.1"],
  ] as const)
    expect(npmSpec(parse(typed).locked)).toEqual({ name, version });
});

test.each([
  ["", {}, "resolver_error"],
  ["--upload-pack=evil", {}, "resolver_error"],
  ["ext::sh -c evil", {}, "resolver_error"],
  ["github:../r", {}, "resolver_error"],
  ["github:o", {}, "resolver_error"],
  ["npm:x", {}, "resolver_error"],
  ["npm:x@latest", {}, "resolver_error"],
  ["npm:x@^1.0.0", {}, "resolver_error"],
  ["npm:../x@1.0.0", {}, "resolver_error"],
  ["npm:--x@1.0.0", {}, "resolver_error"],
  ["Some Thing", {}, "resolver_error"],
  ["./x", { ref: "main" }, "resolver_error"],
  ["npm:x@1.0.0", { path: "a" }, "resolver_error"],
  ["github:o/r", { ref: "-x" }, "resolver_error"],
  ["github:o/r", { ref: "a b" }, "resolver_error"],
  ["github:o/r", { path: "../x" }, "resolver_error"],
  ["github:o/r", { path: "/x" }, "resolver_error"],
  ["github:o/r", { path: "a/./b" }, "resolver_error"],
  ["github:o/r#v1", { ref: "v2" }, "source_ambiguous"],
  ["foo", {}, "fetch_unsupported"],
  ["@me/foo", {}, "fetch_unsupported"],
  ["@hypaware/claude", {}, "fetch_unsupported"],
  ["https://x.example/y-1.0.0.tgz", {}, "fetch_unsupported"],
])("%j with %j is refused: %s", (typed, options, code) => {
  let error: unknown;
  try {
    parse(typed, options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(HypError);
  expect((error as HypError).code).toBe(code);
});
