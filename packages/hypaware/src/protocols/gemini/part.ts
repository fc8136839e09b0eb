// A part of the wire as a content block: {text} → text, {text, thought} → thinking, functionCall → tool_use, functionResponse →
// tool_result, inlineData and fileData → image or file, executableCode and codeExecutionResult → a call and its result.
// A part that is none of these keeps its members, and its first one names its type.
import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { canonicalJson } from "../../wire/canonical.ts";
import { asName, asObject, asObjects, asText, known } from "../loose.ts";
import type { CallIds } from "./call-ids.ts";
import { member, snakeCase } from "./member.ts";

/** What an API without call ids calls its own tool. */
const CODE_EXECUTION = "code_execution";
const MARKS = new Set(["thought", "thoughtSignature", snakeCase("thoughtSignature")]);

/** `undefined` for a part that says nothing. */
export function toBlock(part: JsonObject, calls: CallIds): ContentBlock | undefined {
  const text = asText(part["text"]);
  if (text !== undefined) return textBlock(text, part);
  const call = asObject(member(part, "functionCall"));
  if (call !== undefined) return callBlock(call, calls);
  const response = asObject(member(part, "functionResponse"));
  if (response !== undefined) return responseBlock(response, calls);
  const media = mediaBlock(part);
  if (media !== undefined) return media;
  const code = asObject(member(part, "executableCode"));
  if (code !== undefined) return codeBlock(code, calls);
  const result = asObject(member(part, "codeExecutionResult"));
  if (result !== undefined) return codeResultBlock(result, calls);
  const rest = Object.entries(part).filter(([name]) => !MARKS.has(name));
  return rest[0] === undefined ? undefined : { type: rest[0][0], ...Object.fromEntries(rest) };
}

/** The wire's id of the call that a part makes or answers. */
export function wireCallId(part: JsonObject): string | undefined {
  return asName(
    (asObject(member(part, "functionCall")) ?? asObject(member(part, "functionResponse")))?.["id"],
  );
}

/** A signature signs a thought; on any other part it signs the thought before it, which may be hidden. */
export function signatureOf(part: JsonObject): string | undefined {
  return asName(member(part, "thoughtSignature"));
}

function textBlock(text: string, part: JsonObject): ContentBlock | undefined {
  if (part["thought"] !== true) return text === "" ? undefined : { type: "text", text };
  return { type: "thinking", thinking: text };
}

function callBlock(call: JsonObject, calls: CallIds): ContentBlock {
  const name = asText(call["name"]) ?? "";
  const input = call["args"] ?? {};
  return { type: "tool_use", id: calls.call(name, input, asName(call["id"])), name, input };
}

function responseBlock(response: JsonObject, calls: CallIds): ContentBlock {
  const name = asText(response["name"]) ?? "";
  const wireId = asName(response["id"]);
  const value = response["response"] ?? {};
  const media = asObjects(response["parts"])
    .map(mediaBlock)
    .filter((block) => block !== undefined);
  const content: Json = media.length === 0 ? said(value) : [{ type: "text", text: said(value) }, ...media];
  return {
    type: "tool_result",
    tool_use_id: calls.result(name, wireId) ?? wireId ?? name,
    content,
    ...(failed(value) ? { is_error: true } : {}),
  };
}

/** By convention `{output}` or `{error}`; any other value is shown whole. */
function said(value: Json): string {
  const members = Object.entries(asObject(value) ?? {});
  const [name, only] = members.length === 1 ? members[0]! : [];
  if (typeof only === "string" && (name === "output" || name === "error")) return only;
  return asText(value) ?? canonicalJson(value);
}

function failed(value: Json): boolean {
  return (asObject(value)?.["error"] ?? undefined) !== undefined;
}

function mediaBlock(part: JsonObject): ContentBlock | undefined {
  const data = asObject(member(part, "inlineData")) ?? asObject(member(part, "fileData"));
  if (data === undefined) return undefined;
  const mediaType = asText(member(data, "mimeType"));
  const url = asText(member(data, "fileUri"));
  const source = known({
    type: url === undefined ? "base64" : "url",
    media_type: mediaType,
    data: asText(data["data"]),
    url,
  });
  return { type: mediaType?.startsWith("image/") === true ? "image" : "file", source };
}

function codeBlock(code: JsonObject, calls: CallIds): ContentBlock {
  const { id, ...input } = code;
  const callId = calls.call(CODE_EXECUTION, input, asName(id));
  return { type: "server_tool_use", id: callId, name: CODE_EXECUTION, input };
}

function codeResultBlock(result: JsonObject, calls: CallIds): ContentBlock {
  const wireId = asName(result["id"]);
  return {
    type: "tool_result",
    tool_use_id: calls.result(CODE_EXECUTION, wireId) ?? wireId ?? CODE_EXECUTION,
    content: asText(result["output"]) ?? "",
    ...(result["outcome"] === "OUTCOME_OK" ? {} : { is_error: true }),
  };
}
