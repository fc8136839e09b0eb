import type { JsonObject, ProjectedMessage } from "../../contract/plugin.ts";
import { asName, asObject, asText, known, parseJson } from "../../protocols/loose.ts";

/** Where a request was made, as far as it was recorded. */
export interface Place {
  readonly cwd?: string;
  readonly gitBranch?: string;
  readonly sessionId?: string;
  readonly accountId?: string;
}

const ENVIRONMENT = "<environment_context>";
const CWD = /<cwd>([^<]+)<\/cwd>/;

/** What a client puts into the body beside what the API knows: members, `metadata`, and the JSON in `metadata.user_id`. */
export function placeOf(body: JsonObject | undefined): Place {
  const metadata = asObject(body?.["metadata"]);
  const user = asObject(parseJson(asText(metadata?.["user_id"]) ?? null));
  const first = (name: string): string | undefined =>
    [body, metadata, user].map((source) => asName(source?.[name])).find((value) => value !== undefined);
  return known({
    cwd: first("cwd"),
    gitBranch: first("git_branch"),
    sessionId: asName(user?.["session_id"]),
    accountId: asName(user?.["account_uuid"]),
  });
}

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
