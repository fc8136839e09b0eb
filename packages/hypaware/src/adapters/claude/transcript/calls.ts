// What lines say of requests and answers beside what was said in them: attempts, failures, what an answer cost, what all of them did.
import type {
  JsonObject,
  RecordedAttempt,
  RecordedFailure,
  RecordedResponse,
  RecordedTotal,
} from "../../../contract/plugin.ts";
import { UsageTally } from "../../../protocols/anthropic/usage.ts";
import { asName, asNumber, asObject, known } from "../../../protocols/loose.ts";

/** Where an agent's lines are: the main one has none. */
export function placeOf(
  session: string,
  agent: string | undefined,
): { readonly conversation_id: string; readonly session_id: string } {
  return { conversation_id: agent === undefined ? session : `${session}/${agent}`, session_id: session };
}

/** Written before each request for an answer is sent (since 2.1.330); the first of a process has no `base`. */
export function attemptsOf(line: JsonObject): readonly RecordedAttempt[] {
  const [id, session] = [asName(line["id"]), asName(line["sessionId"])];
  if (id === undefined || session === undefined) return [];
  return [
    {
      ...placeOf(session, asName(line["agentId"])),
      attempt_id: id,
      ...known({ follows: asName(line["base"]), request_digest: asName(line["requestDigest"]) }),
    },
  ];
}

/** Of a line that the client writes before it tries again, or in place of an answer. */
export function failureOf(
  line: JsonObject,
): Omit<RecordedFailure, "conversation_id" | "session_id"> | undefined {
  if (line["isApiErrorMessage"] === true)
    return known({ status_code: asNumber(line["apiErrorStatus"]), request_id: asName(line["requestId"]) });
  if (line["subtype"] !== "api_error") return undefined;
  const error = asObject(line["error"]);
  return known({ status_code: asNumber(error?.["status"]), request_id: asName(error?.["requestId"]) });
}

/** What the line says of the answer that it is a block of: the same on each of them. Messages that the client made itself have none. */
export function responseOf(
  line: JsonObject,
  said: JsonObject,
):
  | Pick<
      RecordedResponse,
      "response_id" | "request_id" | "attempt_id" | "model" | "stop_reason" | "usage" | "is_estimate"
    >
  | undefined {
  const model = asName(said["model"]);
  const tally = new UsageTally();
  tally.add(asObject(said["usage"]));
  if (line["type"] !== "assistant" || model === "<synthetic>" || tally.usage === undefined) return undefined;
  const isCut = line["isAbortedMidStream"] === true;
  // Written before the answer's end: the count of its output is the one that it began with.
  const isEarly = !isCut && said["stop_reason"] === null;
  const { output_tokens: _, ...input } = tally.usage;
  return {
    usage: isEarly ? input : tally.usage,
    ...known({
      response_id: answerId(line, said),
      request_id: asName(line["requestId"]),
      attempt_id: asName(line["requestRef"]),
      model,
      stop_reason: asName(said["stop_reason"]),
    }),
    ...(isCut ? { is_estimate: true } : {}),
  };
}

/** Written when the client ends. */
export function totalsOf(line: JsonObject): readonly RecordedTotal[] {
  const session = asName(line["sessionId"]);
  const [started, lasted] = [asNumber(line["startTime"]), asNumber(line["totalDuration"])];
  const at = new Date((started ?? Number.NaN) + (lasted ?? Number.NaN));
  if (session === undefined || Number.isNaN(at.getTime())) return [];
  return Object.entries(asObject(line["modelUsage"]) ?? {}).map(([model, told]) => {
    const counts = asObject(told);
    const usage = known({
      input_tokens: asNumber(counts?.["inputTokens"]),
      cache_read_tokens: asNumber(counts?.["cacheReadInputTokens"]),
      cache_write_tokens: asNumber(counts?.["cacheCreationInputTokens"]),
      output_tokens: asNumber(counts?.["outputTokens"]),
    });
    return { session_id: session, model, usage, counted_at: at.toISOString() };
  });
}

export function answerId(line: JsonObject, said: JsonObject | undefined): string | undefined {
  return asName(said?.["id"]) ?? asName(line["messageId"]);
}
