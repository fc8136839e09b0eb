import type { Form } from "./form.testkit.ts";
import { anthropicSdk, anthropicSdkContinued } from "./forms/anthropic-sdk.testkit.ts";
import { chat } from "./forms/chat.testkit.ts";
import { claudeCode, claudeCodeContinued } from "./forms/claude-code.testkit.ts";
import { claudeRecorded } from "./forms/claude-transcript.testkit.ts";
import { codex, codexSocket } from "./forms/codex.testkit.ts";
import { gemini } from "./forms/gemini.testkit.ts";
import { responsesContinued, responsesWhole } from "./forms/responses-sdk.testkit.ts";

export const FORMS: readonly Form[] = [
  claudeCode,
  claudeCodeContinued,
  claudeRecorded,
  anthropicSdk,
  anthropicSdkContinued,
  chat,
  responsesWhole,
  responsesContinued,
  codex,
  codexSocket,
  gemini,
];
