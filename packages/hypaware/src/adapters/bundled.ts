// The adapters that ship, by folder. Adding one adds a folder and a line here.
export const BUNDLED_ADAPTERS = ["claude", "codex", "gemini", "opencode", "raw"] as const;
