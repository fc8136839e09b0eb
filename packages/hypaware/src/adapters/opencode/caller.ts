import type { ExchangeRecord } from "../../contract/plugin.ts";
import { recordedHeaders } from "../../protocols/exchange-record.ts";
import { asName, known } from "../../protocols/loose.ts";

/** opencode, as far as a request says of itself. */
export interface Caller {
  readonly version?: string;
  /** A conversation of its own: a session of the person, or one that an agent began below it. */
  readonly sessionId?: string;
  /** Whose agent asks. */
  readonly parentSessionId?: string;
  /** The message of the person that is being answered. Only its own provider is told. */
  readonly promptId?: string;
  /** `cli`, `desktop`, … Only its own provider is told. */
  readonly entrypoint?: string;
}

/** `opencode/1.18.33 ai-sdk/… runtime/bun/…`, `opencode/1.18.33 (linux 6.1; x64) ai-sdk/…` */
const USER_AGENT = /^opencode\/([^\s]+)/;

export function isOpencode(record: ExchangeRecord): boolean {
  return USER_AGENT.test(recordedHeaders(record.request_headers).get("user-agent") ?? "");
}

export function callerOf(record: ExchangeRecord): Caller {
  const headers = recordedHeaders(record.request_headers);
  const said = (name: string): string | undefined => asName(headers.get(name));
  return known({
    version: USER_AGENT.exec(headers.get("user-agent") ?? "")?.[1],
    sessionId: said("x-session-id") ?? said("x-session-affinity") ?? said("x-opencode-session"),
    parentSessionId: said("x-parent-session-id"),
    promptId: said("x-opencode-request"),
    entrypoint: said("x-opencode-client"),
  });
}
