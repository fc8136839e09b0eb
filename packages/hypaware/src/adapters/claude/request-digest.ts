import type { ExchangeRecord, Json, JsonObject } from "../../contract/plugin.ts";
import type { Answer } from "../../protocols/anthropic/answer.ts";
import type { MessagesRequest } from "../../protocols/anthropic/request.ts";
import { recordedHeaders } from "../../protocols/exchange-record.ts";
import { jsonDigest } from "../../protocols/json-digest.ts";
import { asName, asObject, asText } from "../../protocols/loose.ts";

/** What the client leaves out of the digest. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "metadata",
  "stream",
  "thread",
  "diagnostics",
  "safeguards",
  "data_flow",
]);
const BILLING = "x-anthropic-billing-header";
/** Of a longer body it is not worth its time: the client would be sending pictures. */
const BODY_CHARS = 8 * 1024 * 1024;

/**
 * The digest that the client writes down of each request for an answer before it sends it (`api-request` lines, since 2.1.330; measured on
 * all of the captures' lines): how an attempt without an answer is known, which has no other name.
 */
export function requestDigest(record: ExchangeRecord, request: MessagesRequest): string | undefined {
  if ((record.request_body?.length ?? 0) > BODY_CHARS) return undefined;
  const betas = asName(recordedHeaders(record.request_headers).get("anthropic-beta"));
  const kept = Object.entries(request.body).filter(([name]) => !LEFT_OUT.has(name));
  return jsonDigest({
    ...Object.fromEntries(kept.map(([name, value]) => [name, digested(name, value)])),
    ...(betas === undefined ? {} : { betas: betas.split(",") }),
  });
}

function digested(name: string, value: Json | undefined): Json | undefined {
  if (!Array.isArray(value)) return value;
  const list = value as readonly Json[];
  if (name === "messages") return list.map(withBlocks);
  if (name === "system")
    return list.filter((block) => !asText(asObject(block)?.["text"])?.startsWith(BILLING));
  return value;
}

/** A string is one text block. */
function withBlocks(message: Json): Json {
  const fields = asObject(message);
  const text = asText(fields?.["content"]);
  return fields === undefined || text === undefined
    ? message
    : ({ ...fields, content: [{ type: "text", text }] } satisfies JsonObject);
}

/** Whether no whole answer came, as far as the wire tells. */
export function isUnanswered(
  { outcome, status_code: status }: ExchangeRecord,
  answer: Answer | undefined,
): boolean {
  return outcome !== "complete" || status === null || status >= 400 || answer?.error !== undefined;
}
