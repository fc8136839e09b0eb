// Codex's rollouts: `<sessions>/<year>/<month>/<day>/rollout-<time>-<thread>.jsonl`, one file per thread, subagents and reviews included;
// `archived_sessions` has those that the person put aside; `.jsonl.zst` is one that the client compressed. Each line is `{timestamp, ordinal, type, payload, metadata?}`.
//   response_item         what the model was told or said, under the id that it has on the wire
//   event_msg             the client's own remarks; most repeat items (remark.ts)
//   compacted             `replacement_history` is what the next request begins with
//   token_usage_record    what a response cost, by its id
//   session_meta, turn_context   whose thread it is, where it works (state.ts)
// The order of the lines is the chain. Resume appends. A fork is a new file that goes on from a place in another one
// (`history_base`) and does not repeat it; its ordinals count on. Older versions number no lines, give items no ids, and copy.
import { join } from "node:path";
import type {
  ClientRecord,
  JsonObject,
  PluginContext,
  RecordEntry,
  RecordLine,
  RecordReading,
  RecordedResponse,
} from "../../../contract/plugin.ts";
import { asName, asNumber, asObject, asObjects, known, parseJson } from "../../../protocols/loose.ts";
import { codexHome } from "../codex-home.ts";
import { entryOf, itemSaid, type Line, type Said } from "./entry.ts";
import { compactionSaid, eventSaid } from "./remark.ts";
import {
  providerOf,
  requestClassOf,
  type RolloutState,
  withMeta,
  withoutSaid,
  withSaid,
  withTurn,
  withTurnId,
} from "./state.ts";
import { rolloutUsage } from "./usage.ts";

const ROLLOUT =
  /(?:^|\/)rollout-[\dT-]+-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl(?:\.zst)?$/;

export function rollouts(env: PluginContext["env"]): ClientRecord {
  const home = codexHome(env);
  return {
    name: "codex-rollouts",
    client: "codex",
    roots: [join(home, "sessions"), join(home, "archived_sessions")],
    accepts: (path) => ROLLOUT.test(path),
    bornAt: startedAt,
    read: readRolloutLine,
    // The instructions of the client itself: older models are told them as a message.
    isUntold: ({ role }) => role === "developer",
  };
}

/** Of the thread, by its id (RFC 9562, section 5.7): the client compresses files of sessions that are over. */
function startedAt(path: string): number | undefined {
  const thread = ROLLOUT.exec(path)?.[1] ?? "";
  return thread[14] === "7" ? Number.parseInt(thread.slice(0, 8) + thread.slice(9, 13), 16) : undefined;
}

export function readRolloutLine({ text, path, memory }: RecordLine): RecordReading | undefined {
  const pathThread = ROLLOUT.exec(path)?.[1];
  if (pathThread === undefined) return undefined;
  const before = memory as RolloutState;
  const lines = (before.lines ?? 0) + 1;
  const state: RolloutState = { ...before, thread: pathThread, lines };
  const line = lineOf(text, pathThread, lines);
  if (line === undefined) return { memory: state as JsonObject };
  const { entries = [], responses = [], state: after } = readLine(line, state, pathThread);
  return {
    memory: after as JsonObject,
    ...(entries.length > 0 ? { entries } : {}),
    ...(responses.length > 0 ? { responses } : {}),
  };
}

interface Read {
  readonly state: RolloutState;
  readonly entries?: readonly RecordEntry[];
  readonly responses?: readonly RecordedResponse[];
}

function readLine(line: Line, state: RolloutState, pathThread: string): Read {
  switch (line.type) {
    case "session_meta":
      return { state: withMeta(state, line.payload, pathThread) };
    case "turn_context":
      return { state: withTurn(state, line.payload) };
    case "response_item":
      return told(line, state, itemSaid(line, line.payload));
    case "event_msg": {
      const event = asName(line.payload["type"]);
      if (event === "task_started")
        return { state: withTurnId(withoutSaid(state), asName(line.payload["turn_id"])) };
      // A call has ended, whether or not a line about its usage stood before.
      if (event === "token_count") return { state: withoutSaid(state) };
      return told(line, state, eventSaid(line));
    }
    case "compacted":
      return compacted(line, state);
    case "token_usage_record": {
      const response = responseOf(line, state);
      return { state: withoutSaid(state), ...(response === undefined ? {} : { responses: [response] }) };
    }
    default:
      return { state };
  }
}

function told(line: Line, state: RolloutState, said: Said | undefined): Read {
  if (said === undefined) return { state };
  const after = said.role === "assistant" ? withSaid(state, said.name, said.isSummingUp) : state;
  return { state: { ...after, last: said.name }, entries: [entryOf(state, line, said)] };
}

/**
 * For the client what was left is a new beginning. Messages that it retained are known from where they were said: they are told again
 * in case they were not read, and the chain passes them by.
 */
function compacted(line: Line, state: RolloutState): Read {
  const boundary = compactionSaid(line);
  const entries = [entryOf(state, line, boundary)];
  const retained = asObjects(line.payload["replacement_history_metadata"]);
  const { last: _, ...beginning } = withoutSaid(state);
  let at: RolloutState = { ...beginning, last: boundary.name };
  let isFirst = true;
  for (const [index, item] of asObjects(line.payload["replacement_history"]).entries()) {
    const own: Line = { ...line, name: `${line.name}/${index}`, metadata: undefined };
    const said = itemSaid(own, item);
    if (said === undefined) continue;
    if (retained[index]?.["retained_source"] !== undefined) {
      entries.push(entryOf(at, own, said));
      continue;
    }
    const message = { ...said.message, logical_parent_uuid: boundary.name };
    entries.push(isFirst ? entryOf(beginning, own, { ...said, message }) : entryOf(at, own, said));
    at = { ...beginning, last: said.name };
    isFirst = false;
  }
  return { state: at, entries };
}

function responseOf({ payload, at }: Line, state: RolloutState): RecordedResponse | undefined {
  const usage = rolloutUsage(asObject(payload["usage"]));
  const thread = state.thread ?? "";
  if (usage === undefined) return undefined;
  return {
    conversation_id: thread,
    session_id: state.session ?? thread,
    request_class: requestClassOf(state),
    provider: providerOf(state),
    message_ids: state.said ?? [],
    responded_at: at,
    usage,
    ...known({ response_id: asName(payload["response_id"]), model: state.model }),
  };
}

/** `undefined` for what is no line of a rollout. */
function lineOf(text: string, thread: string, lines: number): Line | undefined {
  const line = asObject(parseJson(text));
  const type = asName(line?.["type"]);
  const payload = asObject(line?.["payload"]);
  const at = isoTime(asName(line?.["timestamp"]));
  if (line === undefined || type === undefined || payload === undefined || at === undefined) return undefined;
  const ordinal = asNumber(line["ordinal"]);
  return {
    type,
    at,
    payload,
    place: ordinal ?? lines,
    name: ordinal === undefined ? `${thread}:#${lines}` : `${thread}:${ordinal}`,
    metadata: asObject(line["metadata"]),
  };
}

function isoTime(text: string | undefined): string | undefined {
  const date = new Date(text ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
