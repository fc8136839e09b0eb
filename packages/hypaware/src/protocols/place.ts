import type { JsonObject } from "../contract/projection.ts";
import { asName, asObject, asText, known, parseJson } from "./loose.ts";

/** Where a request was made and whose it is, as far as it says so. */
export interface Place {
  readonly cwd?: string;
  readonly gitBranch?: string;
  readonly sessionId?: string;
  readonly accountId?: string;
}

/** What a program puts into the body beside what the API knows: members, `metadata`, and the JSON in `metadata.user_id`. */
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
