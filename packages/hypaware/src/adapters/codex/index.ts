import type {
  AiGateway,
  JsonObject,
  Notes,
  PluginContext,
  SectionFinding,
  Settings,
} from "../../contract/plugin.ts";
import { codexLaunch } from "./client.ts";
import { openaiPreset } from "../../protocols/openai-upstream.ts";
import { chatgptPreset } from "./preset.ts";
import { codexProjector, projectorWith } from "./projector.ts";
import { rollouts } from "./rollout/record.ts";
import { threadFacts } from "./state-database.ts";
import { codexSettings } from "./settings.ts";

/** Plugin `@hypaware/codex`: carries Codex's traffic. */
export function activate(context: PluginContext): void {
  const gateway = context.requireCapability<AiGateway>("hypaware.ai-gateway", "^2.0.0");
  gateway.registerUpstreamPreset(openaiPreset);
  gateway.registerUpstreamPreset(chatgptPreset);
  const isStateRead = context.env["HYPAWARE_CODEX_SQLITE_READS"] === "1";
  gateway.registerExchangeProjector(isStateRead ? projectorWith(threadFacts(context.env)) : codexProjector);
  const settings = context.requireCapability<Settings>("hypaware.settings", "^1.0.0");
  const options = { env: context.env, version: context.plugin.version };
  gateway.registerClient({
    name: "codex",
    defaultUpstream: "openai",
    launch: codexLaunch(context.env),
    ...settings.attachable(codexSettings(options)),
  });
  const notes = context.requireCapability<Notes>("hypaware.notes", "^1.0.0");
  notes.registerClientRecord({ ...rollouts(context.env), isFollowed: context.config["rollouts"] !== false });
}

export function configSection(section: JsonObject): readonly SectionFinding[] {
  return Object.entries(section).flatMap(([name, value]): SectionFinding[] => {
    // Of older configs; it never had an effect.
    if (name === "proxy") return [];
    const isKnown = name === "rollouts";
    if (isKnown && typeof value === "boolean") return [];
    const message = isKnown ? "expected boolean" : `unknown key "${name}". There is: rollouts`;
    return [{ severity: "error", pointer: `/${name}`, message }];
  });
}
