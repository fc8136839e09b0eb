import type { ProjectedMessage } from "../../contract/plugin.ts";
import { asText } from "../../protocols/loose.ts";

const ENVIRONMENT = "<environment_context>";
const CWD = /<cwd>([^<]+)<\/cwd>/;

/** The folder that Codex tells the model about: the last one, since a turn tells only what changed. */
export function toldCwd(messages: readonly ProjectedMessage[]): string | undefined {
  for (const { role, content } of messages.toReversed()) {
    if (role !== "user" || typeof content === "string") continue;
    const texts = content.map((block) => asText(block["text"]) ?? "");
    const told = texts.find((text) => text.startsWith(ENVIRONMENT) && CWD.test(text));
    if (told !== undefined) return CWD.exec(told)?.[1];
  }
  return undefined;
}
