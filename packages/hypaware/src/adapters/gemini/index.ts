import type {
  AiGateway,
  JsonObject,
  Notes,
  PluginContext,
  SectionFinding,
  Settings,
} from "../../contract/plugin.ts";
import { geminiPreset } from "../../protocols/gemini/upstream.ts";
import { geminiChats } from "./chat/record.ts";
import { geminiLaunch } from "./client.ts";
import { codeAssistPreset } from "./preset.ts";
import { generateContentProjector, geminiProjector } from "./projector.ts";
import { geminiSettings } from "./settings.ts";

/** Plugin `@hypaware/gemini`: carries Gemini CLI's traffic, and that of every program that speaks Google's Gemini API. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(codeAssistPreset);
  gateway.registerUpstreamPreset(geminiPreset);
  gateway.registerExchangeProjector(geminiProjector);
  gateway.registerExchangeProjector(generateContentProjector);
  const settings = context.requireCapability<Settings>("hypaware.settings", "^1.0.0");
  const options = { env: context.env, version: context.plugin.version };
  gateway.registerClient({
    name: "gemini",
    defaultUpstream: "gemini",
    launch: geminiLaunch(context.env),
    ...settings.attachable(geminiSettings(options)),
  });
  const notes = context.requireCapability<Notes>("hypaware.notes", "^1.0.0");
  notes.registerClientRecord({ ...geminiChats(context.env), isFollowed: context.config["chats"] !== false });
}

export function configSection(section: JsonObject): readonly SectionFinding[] {
  return Object.entries(section).flatMap(([name, value]): SectionFinding[] => {
    const isKnown = name === "chats";
    if (isKnown && typeof value === "boolean") return [];
    const message = isKnown ? "expected boolean" : `unknown key "${name}". There is: chats`;
    return [{ severity: "error", pointer: `/${name}`, message }];
  });
}
