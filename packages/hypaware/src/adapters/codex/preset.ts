import type { UpstreamPreset } from "../../contract/plugin.ts";

/**
 * The backend behind a ChatGPT sign-in. All of it: before its first model call the client asks for its account elsewhere under
 * `/backend-api`, and makes no call without that answer.
 */
export const chatgptPreset: UpstreamPreset = {
  name: "chatgpt",
  base_url: "https://chatgpt.com",
  provider: "chatgpt",
  path_prefix: "/backend-api",
};
