import type { UpstreamPreset } from "../../contract/plugin.ts";
import { isCodeAssistPath } from "../../protocols/gemini/endpoint.ts";

/** The backend behind a Google sign-in: all of it, because the client asks for its account there before its first model call. */
export const codeAssistPreset: UpstreamPreset = {
  name: "code-assist",
  base_url: "https://cloudcode-pa.googleapis.com",
  provider: "google",
  path_prefix: "/v1internal",
  priority: 100,
  match: ({ path }) => isCodeAssistPath(path),
};
