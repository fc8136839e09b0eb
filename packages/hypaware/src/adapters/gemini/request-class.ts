import type { RequestClass } from "../../contract/plugin.ts";
import { type GenerateRequest, type WireContent, textsOfBlocks } from "../../protocols/gemini/request.ts";
import { asObject } from "../../protocols/loose.ts";
import type { Caller } from "./caller.ts";

/** What the client asks for when it looks for the model that a prompt needs: a score, or in older versions the model. */
const ROUTER_ANSWERS = ["complexity_score", "model_choice"];
const SNAPSHOT = "<state_snapshot>";

/** Of a request for an answer. */
export function requestClass({ isGeminiCli }: Caller, request: GenerateRequest): RequestClass {
  if (!isGeminiCli) return "main";
  const answer = asObject(request.answerSchema?.["properties"]) ?? {};
  if (ROUTER_ANSWERS.some((name) => Object.hasOwn(answer, name))) return "router";
  // Who speaks next, whether it runs in circles, what an edit meant: the client's own questions come as JSON, its agents' never do.
  if (request.answerType === "application/json") return "other";
  return request.systemText?.includes(SNAPSHOT) === true ? "compaction" : "main";
}

/** Whether a content is the text that stands for a history that was compacted. A prompt that asks for one comes last. */
export function isCompactSummary({ isGeminiCli }: Caller, content: WireContent, isLast: boolean): boolean {
  return (
    isGeminiCli && !isLast && content.role === "user" && textsOfBlocks(content.blocks).some(holdsSummary)
  );
}

/** Of what is said to the model: whether it stands for a history that was compacted. */
export function holdsSummary(text: string): boolean {
  return text.includes(SNAPSHOT);
}
