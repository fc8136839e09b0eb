// A process that is killed before any of its operations on files leaves the settings as they were or as they were to be, and the next
// one brings them back.
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Action, act, stoppedBefore } from "./killed-attach.testkit.ts";
import { recordName } from "../settings/undo-record.ts";

const CHILD = join(import.meta.dirname, "killed-attach.testkit.ts");
const SETTINGS = '{\r\n  "env": {"OWN": "1"},\r\n  "model": "opus" }';

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "hyp-killed-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Resolves with the signal that ended it. */
function killedBefore(home: string, [action, port]: Action, last: number): Promise<string | null> {
  const child = spawn(process.execPath, [CHILD, home, action, String(port), String(last)], {
    stdio: "ignore",
  });
  return new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
}

const fileOf = (home: string): string => join(home, ".claude", "settings.json");
const textOf = (home: string): string | undefined =>
  existsSync(fileOf(home)) ? readFileSync(fileOf(home), "utf8") : undefined;

const CASES: readonly (readonly [
  name: string,
  original: string | undefined,
  before: readonly Action[],
  action: Action,
])[] = [
  ["attach", SETTINGS, [], ["attach", 18_001]],
  ["attach where there is no file", undefined, [], ["attach", 18_001]],
  ["attach to another port", SETTINGS, [["attach", 18_001]], ["attach", 18_002]],
  ["detach", SETTINGS, [["attach", 18_001]], ["detach", 0]],
  ["detach where there was no file", undefined, [["attach", 18_001]], ["detach", 0]],
];

test.each(CASES)(
  "%s: killed before each operation, no file is torn",
  async (name, original, before, action) => {
    const start = join(folder, name, "start");
    mkdirSync(start, { recursive: true });
    if (original !== undefined) {
      mkdirSync(join(start, ".claude"));
      writeFileSync(fileOf(start), original);
    }
    for (const each of before) expect((await act(start, each)).code).toBe(0);
    const done = copied(start, join(folder, name, "done"));
    const { code, operations } = await act(done, action);
    expect(code).toBe(0);
    expect(operations).toBeGreaterThan(15);
    const plain = (home: string): string | undefined => textOf(home)?.replaceAll(home, "HOME");
    const whole = [plain(start), plain(done)];

    for (let last = 1; last <= operations; last++) {
      const home = copied(start, join(folder, name, String(last)));
      // A few by the signal itself.
      if (last % 16 === 8) expect(await killedBefore(home, action, last)).toBe("SIGKILL");
      else expect(await stoppedBefore(home, action, last)).toBe(true);
      expect(whole, `torn before operation ${last}`).toContain(plain(home));
      expect((await act(home, ["attach", 18_003])).code).toBe(0);
      expect((await act(home, ["detach", 0])).code).toBe(0);
      expect(textOf(home), `not the original after operation ${last}`).toBe(original);
      const left = existsSync(join(home, ".claude")) ? readdirSync(join(home, ".claude")) : [];
      expect(left, `after operation ${last}`).toEqual(original === undefined ? [] : ["settings.json"]);
      rmSync(home, { recursive: true });
    }
    console.log(`${name}: killed before each of ${operations} operations, 0 torn`);
  },
  120_000,
);

/** Hooks name the state folder of their home, and a record has the name of its own file. */
function copied(from: string, to: string): string {
  cpSync(from, to, { recursive: true });
  if (existsSync(fileOf(to))) writeFileSync(fileOf(to), textOf(to)!.replaceAll(from, to));
  const records = join(to, "state", "attached");
  for (const name of existsSync(records) ? readdirSync(records) : []) rename(join(records, name), from, to);
  return to;
}

function rename(record: string, from: string, to: string): void {
  const text = readFileSync(record, "utf8").replaceAll(from, to);
  rmSync(record);
  const { client, file } = JSON.parse(text) as { readonly client: string; readonly file: string };
  writeFileSync(join(record, "..", recordName(client, file)), text, { mode: 0o600 });
}
