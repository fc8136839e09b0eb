// A kept answer as the messages that it was on the wire: which ones depends on the provider's shape, and the database tells that only
// by what providers' own data it keeps.
import type { ContentBlock, Json, JsonObject, Usage } from "../../contract/plugin.ts";
import { asName, asNumber, asObject, asText, known } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";
import { answerLinks, callLinks, itemLink } from "./links.ts";
import type { Part, Step } from "./step.ts";

/** A message of the record. */
export interface Said {
  readonly id: string;
  readonly role: string;
  readonly content: readonly ContentBlock[];
  readonly links: readonly string[];
  readonly isOnWire: boolean;
  /** Calls that the client made something else of. */
  readonly changedCalls: readonly string[];
  /** Of the answer, on its last message. */
  readonly usage?: Usage;
}

type Shape = "anthropic" | "chat" | "responses" | "google";

/** `before`: how often each call was made in the session, for a provider that gives calls no ids. */
export function messagesOfStep(
  messageId: string,
  data: JsonObject,
  steps: readonly Step[],
  before: JsonObject,
): { readonly messages: readonly Said[]; readonly calls: JsonObject } {
  const shape = shapeOf(data, steps);
  const counts = { ...before };
  const messages = steps.flatMap((step, index) => {
    const id = index === 0 ? messageId : `${messageId}#${index + 1}`;
    const parts = step.parts.map((part) => ({ ...part, callId: callIdOf(part, shape, counts) }));
    const answer = shape === "responses" ? itemsOf(parts, step) : wholeAnswer(id, parts, step);
    return [...answer, ...resultsOf(parts, shape)];
  });
  return { messages, calls: shape === "google" ? counts : before };
}

interface CallingPart extends Part {
  readonly callId: string | undefined;
}

function shapeOf(data: JsonObject, steps: readonly Step[]): Shape {
  const provider = data["providerID"];
  const told = steps.flatMap(({ parts }) => parts.map((part) => asObject(part.data["metadata"])));
  const isTold = (name: string): boolean => told.some((metadata) => metadata?.[name] !== undefined);
  if (told.some((metadata) => asObject(metadata?.["openai"])?.["itemId"] !== undefined)) return "responses";
  if (provider === "anthropic" || isTold("anthropic")) return "anthropic";
  return provider === "google" || isTold("google") ? "google" : "chat";
}

/** Google's API names no calls; ours are made as the projector makes them. */
function callIdOf(
  { data }: Part,
  shape: Shape,
  counts: Record<string, Json | undefined>,
): string | undefined {
  if (data["type"] !== "tool") return undefined;
  if (shape !== "google") return asName(data["callID"]);
  const hash = shortHash([asText(data["tool"]) ?? "", asObject(data["state"])?.["input"] ?? {}]);
  const count = (asNumber(counts[hash]) ?? 0) + 1;
  counts[hash] = count;
  return `call_${hash}${count === 1 ? "" : `_${count}`}`;
}

function wholeAnswer(id: string, parts: readonly CallingPart[], { usage }: Step): readonly Said[] {
  const content = parts.flatMap(blockOf);
  if (content.length === 0) return [];
  const links = [...content.flatMap(callLinks), ...answerLinks(content, usage)];
  const changedCalls = parts.flatMap(changedCallOf);
  return [{ id, role: "assistant", content, links, isOnWire: true, changedCalls, ...known({ usage }) }];
}

/** Of the Responses API each item is a message. */
function itemsOf(parts: readonly CallingPart[], { usage }: Step): readonly Said[] {
  const items = parts.flatMap((part) => {
    const [content] = [blockOf(part)];
    const item = asName(asObject(asObject(part.data["metadata"])?.["openai"])?.["itemId"]);
    const links = [...(item === undefined ? [] : [itemLink(item)]), ...content.flatMap(callLinks)];
    const said = { id: part.id, role: "assistant", content, links, isOnWire: true };
    return content.length === 0 ? [] : [{ ...said, changedCalls: changedCallOf(part) }];
  });
  return items.map((each, index) => (index === items.length - 1 ? { ...each, ...known({ usage }) } : each));
}

function changedCallOf({ data, callId }: CallingPart): readonly string[] {
  return askedTool(data) === undefined || callId === undefined ? [] : [callId];
}

function blockOf({ data, callId }: CallingPart): readonly ContentBlock[] {
  const text = asName(data["text"]);
  switch (data["type"]) {
    case "text":
      return text === undefined ? [] : [{ type: "text", text }];
    case "reasoning":
      return text === undefined ? [] : [{ type: "thinking", thinking: text }];
    case "tool": {
      const input = asObject(data["state"])?.["input"] ?? {};
      const name = askedTool(data) ?? asText(data["tool"]) ?? "";
      return [{ type: "tool_use", ...known({ id: callId }), name, input }];
    }
    default:
      return [];
  }
}

/** A call of a tool that is not there is kept, and sent back, as one of the client's own tool `invalid`, which says what was asked for. */
function askedTool(data: JsonObject): string | undefined {
  const input = asObject(asObject(data["state"])?.["input"]);
  return data["tool"] === "invalid" && asText(input?.["error"]) !== undefined
    ? asName(input?.["tool"])
    : undefined;
}

/** What the calls brought: together in one message, but where each has a message of its own. */
function resultsOf(parts: readonly CallingPart[], shape: Shape): readonly Said[] {
  const results = parts.flatMap(({ id, data, callId }) => {
    if (callId === undefined) return [];
    const state = asObject(data["state"]);
    const [output, error] = [asText(state?.["output"]), asText(state?.["error"])];
    const content: ContentBlock = {
      type: "tool_result",
      tool_use_id: callId,
      content: output ?? error ?? "",
      ...(output === undefined && error !== undefined ? { is_error: true } : {}),
    };
    return [{ id: `${id}/output`, content }];
  });
  const [first] = results;
  if (first === undefined) return [];
  const apart = shape === "chat" || shape === "responses";
  const messages = apart
    ? results.map(({ id, content }) => ({ id, content: [content] }))
    : [{ id: first.id, content: results.map(({ content }) => content) }];
  return messages.map(({ id, content }) => ({
    id,
    role: apart ? "tool" : "user",
    content,
    links: content.flatMap(callLinks),
    isOnWire: true,
    changedCalls: [],
  }));
}
