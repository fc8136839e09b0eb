import type { SessionContext } from "../../../contract/plugin.ts";
import { asName, asObject, known, parseJson } from "../../../protocols/loose.ts";

/** A line of the state file: where a session worked from `ts` on. */
export interface SessionContextLine {
  readonly session_id: string;
  readonly cwd: string;
  /** ISO 8601, UTC. */
  readonly ts: string;
  readonly transcript_path?: string;
  readonly git_branch?: string;
}

/** What a hook's event says of the session's place. `undefined`: nothing, or it is no event. */
export function contextOfEvent(
  event: string,
  now: Date,
  branchOf: (cwd: string) => string | undefined,
): SessionContextLine | undefined {
  const fields = asObject(parseJson(event));
  const session = asName(fields?.["session_id"]);
  const cwd = asName(fields?.["new_cwd"]) ?? asName(fields?.["cwd"]);
  if (session === undefined || cwd === undefined) return undefined;
  return {
    session_id: session,
    cwd,
    ts: now.toISOString(),
    ...known({ transcript_path: asName(fields?.["transcript_path"]), git_branch: branchOf(cwd) }),
  };
}

/** A line of the state file as the recorder takes it. `undefined`: it is none. */
export function readContextLine(text: string): SessionContext | undefined {
  const line = asObject(parseJson(text));
  const session = asName(line?.["session_id"]);
  const cwd = asName(line?.["cwd"]);
  const at = asName(line?.["ts"]);
  if (session === undefined || cwd === undefined || at === undefined) return undefined;
  const [branch, path] = [asName(line?.["git_branch"]), asName(line?.["transcript_path"])];
  return { session_id: session, at, cwd, ...known({ git_branch: branch, record_path: path }) };
}
