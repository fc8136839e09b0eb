import type { ContentBlock, JsonObject } from "../../contract/projection.ts";
import { canonicalJson } from "../../wire/canonical.ts";
import { asObjects, asText } from "../loose.ts";
import type { CallIds } from "./call-ids.ts";
import { signatureOf, toBlock, wireCallId } from "./part.ts";

/**
 * What one side says before the other does, while its parts come in. A streamed answer comes in pieces, and programs repeat it in
 * the same pieces or put together; so the model's neighbouring texts are one text. What a person sends stays as it was cut.
 */
export class Turn {
  readonly #calls: CallIds;
  readonly #joins: boolean;
  readonly #blocks: ContentBlock[] = [];
  readonly #results = new Set<string>();
  /** By the call's id here: what the wire calls it. */
  readonly wireIds: Record<string, string> = {};

  constructor(calls: CallIds, fromModel: boolean) {
    this.#calls = calls;
    this.#joins = fromModel;
  }

  take(content: JsonObject | undefined): void {
    for (const part of asObjects(content?.["parts"])) this.#part(part);
  }

  get blocks(): readonly ContentBlock[] {
    // A thought without words that nothing signed says nothing.
    return this.#blocks.filter((block) => block["thinking"] !== "" || block["signature"] !== undefined);
  }

  #part(part: JsonObject): void {
    const block = toBlock(part, this.#calls);
    if (block !== undefined && !this.#isToldAgain(block)) this.#push(block);
    const signature = signatureOf(part);
    if (signature !== undefined) this.#sign(signature);
    const callId = block?.["id"] ?? block?.["tool_use_id"];
    const wireId = wireCallId(part);
    if (typeof callId === "string" && wireId !== undefined) this.wireIds[callId] = wireId;
  }

  /** A client that goes on with an old session sends each result twice, one beside the other. */
  #isToldAgain(block: ContentBlock): boolean {
    if (block["type"] !== "tool_result") return false;
    const said = canonicalJson(block);
    const isKnown = this.#results.has(said);
    this.#results.add(said);
    return isKnown;
  }

  #push(block: ContentBlock): void {
    const joined = this.#joins ? joinedText(this.#blocks.at(-1), block) : undefined;
    if (joined === undefined) this.#blocks.push(block);
    else this.#blocks[this.#blocks.length - 1] = joined;
  }

  #sign(signature: string): void {
    const at = this.#blocks.findLastIndex((block) => block["type"] === "thinking");
    if (at !== -1) this.#blocks[at] = { ...this.#blocks[at], signature };
  }
}

/** Two texts, or two thoughts, as one; `undefined` for other neighbours. */
function joinedText(before: ContentBlock | undefined, block: ContentBlock): ContentBlock | undefined {
  if (before === undefined || before["type"] !== block["type"]) return undefined;
  const name = block["type"] === "thinking" ? "thinking" : "text";
  const text = asText(block[name]);
  const begun = asText(before[name]);
  return text === undefined || begun === undefined ? undefined : { ...before, [name]: begun + text };
}
