import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { asName, asObject, asObjects, asText, known, parseJson } from "../loose.ts";

/** The content of an entry of `messages`, or of a choice's message, block by block. */
export function blocksOf(message: JsonObject): readonly ContentBlock[] {
  const callId = asName(message["tool_call_id"]);
  const isResult = message["role"] === "tool" || message["role"] === "function";
  if (isResult) {
    const content = asText(message["content"]) ?? asObjects(message["content"]);
    return [{ type: "tool_result", ...known({ tool_use_id: callId ?? asName(message["name"]) }), content }];
  }
  const reasoning = asName(message["reasoning_content"]) ?? asName(message["reasoning"]);
  const refusal = asName(message["refusal"]);
  return [
    ...(reasoning === undefined ? [] : [{ type: "thinking", thinking: reasoning }]),
    ...partsOf(message["content"]),
    ...(refusal === undefined ? [] : [{ type: "refusal", refusal }]),
    ...asObjects(message["tool_calls"]).flatMap(callOf),
    ...oldCallOf(asObject(message["function_call"])),
  ];
}

function partsOf(content: Json | undefined): readonly ContentBlock[] {
  const text = asText(content);
  if (text === undefined) return asObjects(content);
  return text === "" ? [] : [{ type: "text", text }];
}

/** `{id, function: {name, arguments}}`, or `{id, custom: {name, input}}`. */
function callOf(call: JsonObject): readonly ContentBlock[] {
  const asked = asObject(call["function"]) ?? asObject(call["custom"]);
  const name = asName(asked?.["name"]);
  if (asked === undefined || name === undefined) return [];
  return [{ type: "tool_use", ...known({ id: asName(call["id"]) }), name, input: inputOf(asked) }];
}

/** Before calls had ids there was one of them. Its result carries its name. */
function oldCallOf(call: JsonObject | undefined): readonly ContentBlock[] {
  const name = asName(call?.["name"]);
  return call === undefined || name === undefined
    ? []
    : [{ type: "tool_use", id: name, name, input: inputOf(call) }];
}

/** Arguments that are no JSON, as of a call that broke off, stay text. */
function inputOf(asked: JsonObject): Json {
  const text = asText(asked["arguments"]);
  if (text === undefined) return asked["input"] ?? null;
  return parseJson(text) ?? text;
}
