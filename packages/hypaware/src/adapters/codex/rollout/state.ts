// What the lines of a rollout say for the lines behind them: whose thread it is, where it works and with which model, and which entry
// was the last. It is kept with how far the file was read, as plain JSON, so it is small and made anew by each line that changes it.
import type { JsonObject, RequestClass } from "../../../contract/plugin.ts";
import { asName, asNumber, asObject, known } from "../../../protocols/loose.ts";

export interface RolloutState {
  readonly thread?: string;
  /** The root thread. */
  readonly session?: string;
  readonly parent?: string;
  /** `user`, `subagent`, … */
  readonly source?: string;
  readonly isSubagent?: boolean;
  readonly provider?: string;
  readonly originator?: string;
  readonly version?: string;
  readonly forkedFrom?: string;
  /** A fork does not repeat what it goes on from. */
  readonly baseThread?: string;
  readonly baseEnd?: number;
  readonly cwd?: string;
  readonly branch?: string;
  readonly commit?: string;
  readonly origin?: string;
  readonly model?: string;
  readonly sandbox?: string;
  readonly turn?: string;
  /** Lines so far: older versions do not number them. */
  readonly lines?: number;
  /** Name of the entry before. */
  readonly last?: string;
  /** Names of what the model said since the last line about usage. */
  readonly said?: readonly string[];
  /** … by which the client lets its history be summed up. */
  readonly isSummingUp?: boolean;
}

/** How many items one response is believed to bring. */
const SAID = 64;

/** The file's first line; one that a fork copied names another thread. */
export function withMeta(state: RolloutState, meta: JsonObject, pathThread: string): RolloutState {
  const thread = asName(meta["id"]);
  if (state.session !== undefined || (thread !== undefined && thread !== pathThread)) return state;
  const git = asObject(meta["git"]);
  const source = asObject(meta["source"]);
  const base = asObject(meta["history_base"]);
  const agent = asObject(source?.["subagent"]) ?? asName(source?.["subagent"]);
  const provenance = asObject(asObject(meta["base_instructions"])?.["provenance"]);
  const parent = asName(meta["parent_thread_id"]);
  const threadSource = asName(meta["thread_source"]);
  return {
    ...state,
    thread: pathThread,
    session: asName(meta["session_id"]) ?? pathThread,
    isSubagent: threadSource === "subagent" || agent !== undefined || parent !== undefined,
    ...known({
      parent,
      source: threadSource,
      provider: asName(meta["model_provider"]),
      originator: asName(meta["originator"]),
      version: asName(meta["cli_version"]),
      forkedFrom: asName(meta["forked_from_id"]),
      baseThread: asName(base?.["thread_id"]),
      baseEnd: asNumber(base?.["end_ordinal_exclusive"]),
      cwd: asName(meta["cwd"]),
      branch: asName(git?.["branch"]),
      commit: asName(git?.["commit_hash"]),
      origin: asName(git?.["repository_url"]),
      // Of the turns' first items: they come before the line that names the model.
      model: asName(provenance?.["model"]),
    }),
  };
}

export function withTurn(state: RolloutState, context: JsonObject): RolloutState {
  const git = asObject(context["git"]);
  return {
    ...state,
    ...known({
      turn: asName(context["turn_id"]),
      cwd: asName(context["cwd"]),
      model: asName(context["model"]),
      sandbox: asName(asObject(context["sandbox_policy"])?.["type"]),
      branch: asName(git?.["branch"]),
    }),
  };
}

/** A turn begins before the line with its context. */
export function withTurnId(state: RolloutState, turn: string | undefined): RolloutState {
  return turn === undefined ? state : { ...state, turn };
}

export function withSaid(state: RolloutState, name: string, isSummingUp: boolean): RolloutState {
  const said = [...(state.said ?? []), name].slice(-SAID);
  return { ...state, said, ...(isSummingUp ? { isSummingUp } : {}) };
}

/** What came so far belongs to no later response. */
export function withoutSaid(state: RolloutState): RolloutState {
  const { said: _said, isSummingUp: _isSummingUp, ...rest } = state;
  return rest;
}

/** `hypaware`: as `hyp run codex` calls it for those who sign in with ChatGPT. */
export function providerOf({ provider }: RolloutState): string {
  return provider === "hypaware" ? "chatgpt" : (provider ?? "openai");
}

/** Of what is asked now. */
export function requestClassOf({ isSummingUp, isSubagent }: RolloutState): RequestClass {
  if (isSummingUp === true) return "compaction";
  return isSubagent === true ? "subagent" : "main";
}
