// From the client's hook to rows: the command writes the state file, the recorder reads it, and the projection has its place.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answer, ask } from "../../daemon/carried.testkit.ts";
import { RecordedHome } from "../../daemon/recorded-home.testkit.ts";
import { activated, stateDirOf } from "../activated.testkit.ts";
import { run } from "./hook/command.ts";
import { STATE_FILE } from "./hook/state-file.ts";

const SESSION = "11111111-2222-4333-8444-555555555555";
const USER_AGENT = "claude-cli/2.1.330 (external, cli)";

let home: RecordedHome;
beforeEach(async () => {
  home = await RecordedHome.open((folder) => activated(["claude"], folder));
});
afterEach(() => home.close());

/** What Claude Code runs when its session starts or changes its folder. */
async function hook(cwd: string): Promise<void> {
  const stdin = new PassThrough();
  stdin.end(JSON.stringify({ session_id: SESSION, cwd, hook_event_name: "SessionStart" }));
  const stream = { write: () => undefined };
  const stateDir = stateDirOf(home.folder, "claude");
  const args = ["session-context", "--state-file", join(stateDir, STATE_FILE)];
  expect(await run({ args, env: {}, stateDir, stdin, stdout: stream, stderr: stream })).toBe(0);
}

async function exchange(exchangeId: string, session: string | undefined): Promise<void> {
  const sink = await home.journal();
  const headers = {
    "user-agent": USER_AGENT,
    ...(session === undefined ? {} : { "x-claude-code-session-id": session }),
  };
  const body = { messages: [{ role: "user", content: exchangeId }] };
  const asked = { exchangeId, target: "/v1/messages", upstream: "anthropic", headers, body };
  ask(sink, { ...asked, startedAt: Date.now() });
  const said = [{ type: "text", text: "hi" }];
  answer(sink, exchangeId, { body: { id: `msg_${exchangeId}`, role: "assistant", content: said } });
  await home.record();
}

const places = (): Promise<readonly unknown[]> =>
  home.rows("SELECT DISTINCT cwd, git_branch FROM ai_gateway_messages ORDER BY ALL");

test("what the hook says of a session goes to its messages, the ones from before and the ones after, and to no others", async () => {
  const folder = join(home.folder, "project");
  mkdirSync(folder);
  execFileSync("git", ["init", "-q", "-b", "trunk", folder]);
  await exchange("1".repeat(32), SESSION);
  expect(await places()).toEqual([[null, null]]);
  await hook(folder);
  await home.record();
  expect(await places()).toEqual([[folder, "trunk"]]);
  await exchange("2".repeat(32), SESSION);
  expect(await places()).toEqual([[folder, "trunk"]]);
  await exchange("3".repeat(32), undefined);
  expect(await places()).toEqual([
    [folder, "trunk"],
    [null, null],
  ]);
});

test("without a transcript each message says so twice: for everybody, and in the client's own words", async () => {
  await exchange("1".repeat(32), SESSION);
  const sources = await home.rows(`SELECT attributes -> 'gateway' ->> 'identity_source',
    attributes -> 'claude' ->> 'identity_source' FROM ai_gateway_messages`);
  expect(sources).toEqual([
    ["gateway_fallback", "gateway_fallback"],
    ["gateway_fallback", "gateway_fallback"],
  ]);
});
