// From the client's hook to rows: the command writes the state file, the recorder reads it, and the projection has its place.
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
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
async function hook(cwd: string, transcript?: string): Promise<void> {
  const stdin = new PassThrough();
  const event = { session_id: SESSION, cwd, hook_event_name: "SessionStart" };
  stdin.end(JSON.stringify({ ...event, ...(transcript !== undefined && { transcript_path: transcript }) }));
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

/** A line as the client writes it down, appended to a file. */
function writes(file: string, uuid: string, parent: string | null, more: object = {}): void {
  mkdirSync(dirname(file), { recursive: true });
  const line = { type: "user", uuid, parentUuid: parent, sessionId: SESSION, ...more };
  const said = { timestamp: "2026-11-22T11:08:13.997Z", message: { role: "user", content: uuid } };
  appendFileSync(file, `${JSON.stringify({ ...line, ...said })}\n`);
}

test("a transcript that a hook names is followed wherever it lies, with those of its subagents, and by the next recorder, too", async () => {
  const elsewhere = join(home.folder, "another", "projects", "-w");
  const file = join(elsewhere, `${SESSION}.jsonl`);
  const names = async (): Promise<unknown> =>
    (await home.rows("SELECT message_id FROM ai_gateway_messages ORDER BY ALL")).flat();
  writes(file, "u1", null);
  await home.record();
  expect(await names()).toEqual([]);
  await hook(home.folder, file);
  await home.record();
  expect(await names()).toEqual(["u1"]);
  const subagent = join(elsewhere, SESSION, "subagents", "agent-a1.jsonl");
  writes(subagent, "a1", null, { isSidechain: true, agentId: "a1" });
  await home.record();
  expect(await names()).toEqual(["a1", "u1"]);
  home.restartRecorder();
  writes(file, "u2", "u1");
  await home.record();
  expect(await names()).toEqual(["a1", "u1", "u2"]);
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
