import { isAbsolute, join } from "node:path";
import { parseArgs } from "node:util";
import type { PluginCommandContext } from "../../../contract/plugin.ts";
import { gitBranch } from "./git-branch.ts";
import { contextOfEvent } from "./session-context.ts";
import { appendLine, STATE_FILE } from "./state-file.ts";

const HELP = `Usage: hyp claude-hook session-context --state-file <absolute path>

Run by Claude Code's hooks: reads the event on stdin and appends where the session works to the state file.
Needs no daemon, prints nothing and always exits with 0: a hook must not disturb the client.
`;
const STDIN_MS = 1_000;
/** An event carries a prompt or a tool's result, of which nothing is kept. */
const STDIN_BYTES = 64 * 1024 * 1024;

export async function run(context: PluginCommandContext): Promise<number> {
  const { args } = context;
  if (args.includes("--help") || args.includes("-h")) {
    context.stdout.write(HELP);
    return 0;
  }
  try {
    const path = stateFileOf(context);
    if (args[0] !== "session-context" || path === undefined) return 0;
    const line = contextOfEvent(await read(context.stdin), new Date(), gitBranch);
    if (line !== undefined) appendLine(path, line);
  } catch {
    // Nobody would read it, and the client would show it to the person.
  }
  return 0;
}

/** Hooks that an older version attached name a port instead of a file. */
function stateFileOf({ args, stateDir }: PluginCommandContext): string | undefined {
  const { values } = parseArgs({
    args: args.slice(1),
    options: { "state-file": { type: "string" }, port: { type: "string" } },
    strict: false,
  });
  const path = values["state-file"];
  if (typeof path === "string") return isAbsolute(path) ? path : undefined;
  return values["port"] === undefined ? undefined : join(stateDir, STATE_FILE);
}

async function read(stdin: PluginCommandContext["stdin"]): Promise<string> {
  if (stdin.isTTY === true) return "";
  const parts: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => stdin.destroy(), STDIN_MS);
  try {
    for await (const part of stdin) {
      parts.push(Buffer.from(part as Uint8Array));
      bytes += parts.at(-1)!.length;
      if (bytes > STDIN_BYTES) break;
    }
  } catch {
    // What came in time may be the whole event.
  }
  clearTimeout(timer);
  return Buffer.concat(parts).toString("utf8");
}
