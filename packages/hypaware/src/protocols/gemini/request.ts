import type { ExchangeRecord } from "../../contract/exchange.ts";
import type { ContentBlock, Json, JsonObject } from "../../contract/projection.ts";
import { requestObject } from "../exchange-record.ts";
import { asName, asObject, asObjects, asText, present } from "../loose.ts";
import { CallIds } from "./call-ids.ts";
import { member, snakeCase } from "./member.ts";
import { Turn } from "./turn.ts";

/** One entry of `contents`; neighbouring ones of the model are one. */
export interface WireContent {
  /** As the wire has it: `user`, `model`, `function`. */
  readonly role: string;
  readonly blocks: readonly ContentBlock[];
  /** By the id of a call or result in `blocks`: the wire's own, where it has one. */
  readonly wireIds: Readonly<Record<string, string>>;
}

/** A request for an answer, or for its count of tokens. */
export interface GenerateRequest {
  readonly contents: readonly WireContent[];
  /** Parts of the first content as they were sent. */
  readonly firstContent: Json | undefined;
  /** Only where the path does not name it. */
  readonly model: string | undefined;
  /** Texts of the system instruction, joined by a blank line. */
  readonly systemText: string | undefined;
  readonly tools: Json | undefined;
  /** What is there of SETTINGS. */
  readonly settings: JsonObject;
  /** The schema that the answer must have. */
  readonly answerSchema: JsonObject | undefined;
  /** `application/json`, … */
  readonly answerType: string | undefined;
  /** Only in the envelope that a signed-in client uses. */
  readonly sessionId: string | undefined;
  readonly promptId: string | undefined;
  /** Calls of the request, which the answer's go on from. */
  readonly calls: CallIds;
  readonly body: JsonObject;
}

const SETTINGS = [
  "generationConfig",
  "toolConfig",
  "safetySettings",
  "cachedContent",
  "serviceTier",
] as const;

/**
 * `undefined` when the body is not a JSON object. Reads the API's own form, and the envelope `{model, user_prompt_id, request}`
 * or `{generateContentRequest}` around it.
 */
export function readRequest(record: Pick<ExchangeRecord, "request_body">): GenerateRequest | undefined {
  const envelope = requestObject(record);
  if (envelope === undefined) return undefined;
  const value =
    asObject(envelope["request"]) ?? asObject(member(envelope, "generateContentRequest")) ?? envelope;
  const calls = new CallIds();
  const config = asObject(member(value, "generationConfig"));
  return {
    contents: readContents(value["contents"], calls),
    firstContent: asObjects(value["contents"])[0]?.["parts"],
    model: asName(envelope["model"]) ?? asName(value["model"]),
    systemText: systemTextOf(member(value, "systemInstruction")),
    tools: value["tools"] ?? undefined,
    settings: present(value, [...SETTINGS, ...SETTINGS.map(snakeCase)]),
    answerSchema:
      asObject(member(config, "responseJsonSchema")) ?? asObject(member(config, "responseSchema")),
    answerType: asName(member(config, "responseMimeType")),
    sessionId: asName(value["session_id"]),
    promptId: asName(envelope["user_prompt_id"]),
    calls,
    body: envelope,
  };
}

function readContents(value: Json | undefined, calls: CallIds): readonly WireContent[] {
  const turns: { readonly role: string; readonly turn: Turn }[] = [];
  for (const content of asObjects(value)) {
    const role = asName(content["role"]) ?? "user";
    const last = turns.at(-1);
    const goesOn = role === "model" && last?.role === "model";
    const turn = goesOn ? last.turn : new Turn(calls, role === "model");
    if (!goesOn) turns.push({ role, turn });
    turn.take(content);
  }
  return turns.map(({ role, turn }) => ({ role, blocks: turn.blocks, wireIds: turn.wireIds }));
}

/** The texts of a content, one per part. */
export function textsOfBlocks(blocks: readonly ContentBlock[]): readonly string[] {
  return blocks.flatMap((block) => (block["type"] === "text" ? (asText(block["text"]) ?? []) : []));
}

/** A content, or one part alone as some clients send it. */
function systemTextOf(value: Json | undefined): string | undefined {
  const instruction = asObject(value);
  const alone = asText(value) ?? asText(instruction?.["text"]);
  const texts =
    alone === undefined
      ? asObjects(instruction?.["parts"]).flatMap((part) => asText(part["text"]) ?? [])
      : [alone];
  return asName(texts.join("\n\n"));
}
