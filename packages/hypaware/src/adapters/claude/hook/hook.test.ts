import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "./command.ts";
import { gitBranch } from "./git-branch.ts";
import { contextOfEvent } from "./session-context.ts";
import { appendLine, STATE_FILE } from "./state-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-hook-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOW = new Date("2026-11-25T10:00:00.000Z");
const lines = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>);

/** Runs the command as the client does; what it printed. */
async function hook(args: readonly string[], event: string): Promise<string> {
  const stdin = new PassThrough();
  stdin.end(event);
  const printed: string[] = [];
  const stream = { write: (text: string) => printed.push(text) };
  const stateDir = join(folder, "plugin");
  expect(await run({ args, env: {}, stateDir, stdin, stdout: stream, stderr: stream })).toBe(0);
  return printed.join("");
}

test("an event says where its session works; a change of folder says where it works now", () => {
  const branchOf = (cwd: string) => (cwd === "/repo" ? "main" : undefined);
  const event = { session_id: "s-1", cwd: "/repo", transcript_path: "/t.jsonl", prompt: "secret" };
  expect(contextOfEvent(JSON.stringify(event), NOW, branchOf)).toEqual({
    session_id: "s-1",
    cwd: "/repo",
    ts: "2026-11-25T10:00:00.000Z",
    transcript_path: "/t.jsonl",
    git_branch: "main",
  });
  expect(contextOfEvent(JSON.stringify({ ...event, new_cwd: "/other" }), NOW, branchOf)).toMatchObject({
    cwd: "/other",
  });
  for (const nothing of [
    "",
    "null",
    "[]",
    "{",
    '{"session_id":"s"}',
    '{"cwd":"/x"}',
    '{"session_id":"","cwd":"/x"}',
  ])
    expect(contextOfEvent(nothing, NOW, branchOf)).toBeUndefined();
});

test("the branch is git's own answer: on a branch, detached, in a worktree, in a folder below, and none outside", () => {
  const repository = join(folder, "repository");
  mkdirSync(join(repository, "deep", "er"), { recursive: true });
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", repository, "-c", "user.name=n", "-c", "user.email=e@x", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  git("init", "-b", "feature/one");
  expect(gitBranch(repository)).toBe("feature/one");
  git("commit", "--allow-empty", "-m", "first");
  expect(gitBranch(join(repository, "deep", "er"))).toBe("feature/one");
  const tree = join(folder, "tree");
  git("worktree", "add", "-b", "two", tree);
  expect(gitBranch(tree)).toBe("two");
  git("checkout", "--detach");
  expect(gitBranch(repository)).toBe(git("rev-parse", "--short", "HEAD"));
  expect(gitBranch(folder)).toBeUndefined();
  expect(gitBranch(join(folder, "missing"))).toBeUndefined();
});

test("the command appends one private line, says nothing, and never fails", async () => {
  const path = join(folder, "new", "state.jsonl");
  const event = JSON.stringify({ session_id: "s-1", cwd: folder });
  expect(await hook(["session-context", "--state-file", path], event)).toBe("");
  expect(await hook(["session-context", "--state-file", path], "no json")).toBe("");
  expect(lines(path)).toMatchObject([{ session_id: "s-1", cwd: folder }]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await hook(["session-context", "--state-file", "relative"], event)).toBe("");
  expect(await hook(["session-context", "--state-file", join(path, "below a file")], event)).toBe("");
  expect(await hook(["another-event", "--state-file", join(folder, "x")], event)).toBe("");
  expect(await hook([], event)).toBe("");
  expect(existsSync(join(folder, "x"))).toBe(false);
  expect(await hook(["--help"], "")).toContain("--state-file");
});

test("hooks of an older version, which name a port, write to the plugin's own file", async () => {
  await hook(["session-context", "--port", "8787"], JSON.stringify({ session_id: "s-1", cwd: folder }));
  expect(lines(join(folder, "plugin", STATE_FILE))).toMatchObject([{ session_id: "s-1" }]);
});

test("a client that keeps the pipe open is waited for one second", async () => {
  const stdin = new PassThrough();
  stdin.write(JSON.stringify({ session_id: "s-1", cwd: folder }));
  const path = join(folder, "state.jsonl");
  const stream = { write: () => undefined };
  const started = performance.now();
  const args = ["session-context", "--state-file", path];
  expect(await run({ args, env: {}, stateDir: folder, stdin, stdout: stream, stderr: stream })).toBe(0);
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(lines(path)).toHaveLength(1);
});

test("a file over its bound is put aside once, and goes on while nobody has read the one before", () => {
  const path = join(folder, "state.jsonl");
  const line = { text: "x".repeat(1000) };
  for (let n = 0; n < 1_100; n++) appendLine(path, { n, ...line });
  const aside = statSync(`${path}.1`).size;
  expect(aside).toBeGreaterThan(1024 * 1024);
  for (let n = 1_100; n < 2_500; n++) appendLine(path, { n, ...line });
  expect(statSync(`${path}.1`).size).toBe(aside);
  const all = [...lines(`${path}.1`), ...lines(path)].map(({ n }) => n);
  expect(all).toEqual(Array.from({ length: 2_500 }, (_none, n) => n));
  writeFileSync(path, "");
});
