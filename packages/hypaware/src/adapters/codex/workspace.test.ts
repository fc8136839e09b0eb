import { expect, test } from "vitest";
import { selectWorkspace } from "./workspace.ts";

const facts = {
  associated_remote_urls: { origin: "git@example.com:a/b.git" },
  latest_git_commit_hash: "0123abc",
  has_changes: false,
};
const select = (cwd: string | undefined, ...paths: readonly string[]) =>
  selectWorkspace({ workspaces: Object.fromEntries(paths.map((path) => [path, facts])) }, cwd)?.path;

test("the recorded folder, else the innermost that contains it, else the only one, else none", () => {
  expect(select("/a/b", "/a", "/a/b", "/c")).toBe("/a/b");
  expect(select("/a/b/", "/c", "/a/b")).toBe("/a/b");
  expect(select("/a/b/c", "/a", "/a/b", "/c")).toBe("/a/b");
  expect(select("/a/bc", "/a/b", "/c")).toBeUndefined();
  expect(select("/elsewhere", "/a")).toBe("/a");
  expect(select("/elsewhere", "/a", "/c")).toBeUndefined();
  expect(select(undefined, "/a", "/c")).toBeUndefined();
  expect(select(undefined, "/a")).toBe("/a");
  expect(select("/a")).toBeUndefined();
});

test("what is known of its repository comes along", () => {
  expect(selectWorkspace({ workspaces: { "/a": facts } }, "/a")).toEqual({
    path: "/a",
    originUrl: "git@example.com:a/b.git",
    commit: "0123abc",
    hasChanges: false,
  });
  expect(selectWorkspace({ workspaces: { "/a": 5, "": {} } }, "/a")).toEqual({ path: "/a" });
  expect(selectWorkspace({ workspaces: [] }, "/a")).toBeUndefined();
});
