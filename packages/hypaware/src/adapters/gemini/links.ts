// Keys by which a message of the wire and one of the client's own chat are known to be the same. The wire names neither session nor message:
// what both have are the ids of calls, which the client makes up, and of an answer what was asked, what was said and what it cost.
import type { ContentBlock, Json, Usage } from "../../contract/plugin.ts";
import { asText } from "../../protocols/loose.ts";
import { shortHash } from "../../protocols/json-digest.ts";

/** A message as far as its keys go. */
export interface Said {
  readonly blocks: readonly ContentBlock[];
  /** By the id of a call or result in `blocks`: the client's or the provider's own. */
  readonly wireIds: Readonly<Record<string, string>>;
}

/** `toolOf`: the tool's name, by a call's id in `blocks`. */
export function callLinks(
  { blocks, wireIds }: Said,
  toolOf: (callId: string) => string | undefined,
): readonly string[] {
  return blocks.flatMap((block) => {
    const isResult = block["type"] === "tool_result";
    const callId = asText(block[isResult ? "tool_use_id" : "id"]) ?? "";
    const wireId = wireIds[callId];
    if (wireId === undefined) return [];
    return [`${isResult ? "result" : "call"}:${withoutTool(wireId, toolOf(callId))}`];
  });
}

/** In its chat the client puts the tool's name before an id. */
function withoutTool(id: string, tool: string | undefined): string {
  const prefix = `${tool ?? ""}__`;
  return id.startsWith(prefix) ? id.slice(prefix.length) : id;
}

/** Of what is told before an answer. */
export function askedHash(blocks: readonly ContentBlock[]): string {
  return shortHash(
    blocks.map((block): Json => {
      const said = block["type"] === "text" ? block["text"] : block["content"];
      return [block["type"] ?? null, cleaned(asText(said) ?? "")];
    }),
  );
}

/** None without a count of tokens: words alone prove nothing. */
export function answerLinks(
  blocks: readonly ContentBlock[],
  asked: string,
  usage: Usage | undefined,
): readonly string[] {
  if (usage === undefined) return [];
  const { input_tokens = 0, cache_read_tokens = 0, output_tokens = 0, reasoning_tokens = 0 } = usage;
  const tokens = [input_tokens, cache_read_tokens, output_tokens, reasoning_tokens].join("/");
  const texts = blocks.flatMap((block) => (block["type"] === "text" ? [asText(block["text"]) ?? ""] : []));
  return [`answer:${tokens}=${shortHash([asked, cleaned(texts.join(""))])}`];
}

/** As the client writes down what was said: without marks that nobody sees and without comments. */
export function cleaned(text: string): string {
  let clean = text.replace(/[\u200B-\u200D\uFEFF\u200E\u200F]/g, "");
  for (let before = ""; before !== clean;) {
    before = clean;
    clean = clean.replace(/<!--[\s\S]*?-->/g, "");
  }
  return clean.trim();
}
