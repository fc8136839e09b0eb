import type { RouteInput, UpstreamPreset } from "../../contract/plugin.ts";
import { isApiPath, isCodeAssistPath } from "./endpoint.ts";

/** Its headers, the key's above all, are named for it. */
const GOOGLE_HEADER = "x-goog-";
const GOOGLE_TOKEN = /^Bearer\s+(?:AIza|AQ\.|ya29\.)/i;
const GOOGLE_KEY = /(?:^|&)key=(?:AIza|AQ\.)/;
const GEMINI_CLI = /^GeminiCLI\b|proxy_client=geminicli/;

/** Google's API, and everything that carries one of its credentials, whatever its path: the key must not reach another provider. */
export const geminiPreset: UpstreamPreset = {
  name: "gemini",
  base_url: "https://generativelanguage.googleapis.com",
  provider: "google",
  path_prefix: "/v1beta",
  priority: 100,
  match: (input) => !isCodeAssistPath(input.path) && (isApiPath(input.path) || isSigned(input)),
};

function isSigned({ headers, query = "" }: RouteInput): boolean {
  const some = (name: string, pattern: RegExp): boolean =>
    headers[name]?.some((value) => pattern.test(value)) ?? false;
  return (
    GOOGLE_KEY.test(query) ||
    Object.keys(headers).some((name) => name.startsWith(GOOGLE_HEADER)) ||
    some("authorization", GOOGLE_TOKEN) ||
    some("user-agent", GEMINI_CLI)
  );
}
