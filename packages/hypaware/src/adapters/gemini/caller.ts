import type { ExchangeRecord } from "../../contract/plugin.ts";
import { recordedHeaders } from "../../protocols/exchange-record.ts";
import type { GenerateRequest } from "../../protocols/gemini/request.ts";
import { asName, known } from "../../protocols/loose.ts";

/** Who sent a request, as far as it says so. */
export interface Caller {
  readonly isGeminiCli: boolean;
  readonly version?: string;
  /** Where the client runs: `terminal`, `vscode`, … */
  readonly entrypoint?: string;
  /** One run of the client. Only a signed-in client tells it. */
  readonly sessionId?: string;
  readonly promptId?: string;
}

/** `GeminiCLI-tui/0.61.0/<model> (linux; x64; terminal)`; older ones without `-tui` and the last word. */
const USER_AGENT = /^GeminiCLI(?:-[\w-]+)?\/([^/\s]+)(?:\/\S*)?(?:\s+\([^;)]*;[^;)]*;\s*([^;)]+)\))?/;
/** Inside an editor it is named after the editor's plugin. */
const EDITOR_AGENT = /^CloudCode(VSCode)\/(\S+) .*\bproxy_client=geminicli\b/;

export function callerOf(record: ExchangeRecord, request: GenerateRequest | undefined): Caller {
  const agent = recordedHeaders(record.request_headers).get("user-agent") ?? "";
  const [terminal, version, surface] = USER_AGENT.exec(agent) ?? [];
  const [editor, editorName, editorVersion] = EDITOR_AGENT.exec(agent) ?? [];
  const isGeminiCli = terminal !== undefined || editor !== undefined;
  return {
    isGeminiCli,
    ...known({
      version: version ?? editorVersion,
      entrypoint: asName(surface) ?? editorName?.toLowerCase(),
      sessionId: request?.sessionId,
      promptId: request?.promptId,
    }),
  };
}

export function isGeminiCli(record: ExchangeRecord): boolean {
  return callerOf(record, undefined).isGeminiCli;
}
