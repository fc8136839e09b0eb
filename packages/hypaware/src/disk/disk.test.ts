import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFileAtomic } from "./atomic.ts";
import { ensurePrivateFolder } from "./folders.ts";
import { tryLock } from "./lock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hyp-disk-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string) => statSync(path).mode & 0o777;

test("an atomic write replaces the text, is private, and leaves no other file", () => {
  const path = join(folder, "status.json");
  const umask = process.umask(0);
  try {
    writeFileAtomic(path, "one");
    chmodSync(path, 0o644);
    writeFileAtomic(path, "two");
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(mode(path)).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["status.json"]);
});

test("an atomic write that fails leaves the old state", () => {
  mkdirSync(join(folder, "taken"));
  expect(() => writeFileAtomic(join(folder, "taken"), "x")).toThrow();
  expect(readdirSync(folder)).toEqual(["taken"]);
});

test("private folders are 0700 under any umask, and a loose leaf is tightened", () => {
  const loose = join(folder, "loose");
  mkdirSync(loose);
  chmodSync(loose, 0o755);
  for (const umask of [0, 0o277]) {
    const before = process.umask(umask);
    try {
      ensurePrivateFolder(join(loose, `${umask}`, "b"));
    } finally {
      process.umask(before);
    }
    expect(mode(join(loose, `${umask}`))).toBe(0o700);
    expect(mode(join(loose, `${umask}`, "b"))).toBe(0o700);
  }
  expect(mode(loose)).toBe(0o755);
  ensurePrivateFolder(loose);
  expect(mode(loose)).toBe(0o700);
});

test("a folder that cannot be made is an error in words, and never a hang", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  const impossible = [
    file,
    join(file, "below"),
    "/dev/null/x",
    ...(existsSync("/proc/self") ? ["/proc/x/y"] : []),
  ];
  for (const path of impossible)
    expect(() => ensurePrivateFolder(path)).toThrow(expect.objectContaining({ code: "home_unwritable" }));
});

test("a lock has one owner, also inside one process, and makes one private file", () => {
  const path = join(folder, "x.lock");
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  expect(tryLock(path)).toBeUndefined();
  expect(readdirSync(folder)).toEqual(["x.lock"]);
  expect(mode(path)).toBe(0o600);
  lock!.release();
  lock!.release();
  const next = tryLock(path);
  expect(next).toBeDefined();
  next!.release();
});

test("a lock file that somebody wrote into can be taken", () => {
  const path = join(folder, "x.lock");
  writeFileSync(path, "not a database ".repeat(300));
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  lock!.release();
});

const STARTER = `
  const { tryLock } = await import(process.argv[1]);
  const lock = tryLock(process.argv[2]);
  process.stdout.write(lock ? "won\\n" : "lost\\n");
  process.stdin.on("end", () => process.exit(0)).resume();
`;

async function starter(path: string) {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", STARTER, new URL("./lock.ts", import.meta.url).href, path],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

test("of twelve starters one wins; after SIGKILL of the winner the lock is free at once", async () => {
  const path = join(folder, "run.lock");
  const starters = await Promise.all(Array.from({ length: 12 }, () => starter(path)));
  const winners = starters.filter(({ said }) => said === "won");
  expect(winners).toHaveLength(1);
  expect(tryLock(path)).toBeUndefined();
  const dead = once(winners[0]!.child, "exit");
  winners[0]!.child.kill("SIGKILL");
  await dead;
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  lock!.release();
  for (const { child } of starters) child.kill("SIGKILL");
});
