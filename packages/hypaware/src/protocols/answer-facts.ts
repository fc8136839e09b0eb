import type { JsonObject, Usage } from "../contract/projection.ts";
import type { CallFacts } from "./call.ts";
import { known } from "./loose.ts";

/** What a response said beside its messages, as far as it came. */
export interface AnswerFacts {
  readonly id?: string;
  readonly model?: string;
  /** As the provider said it. Chat: of the first choice. Responses: `completed`, or why it is not complete. Gemini: why the prompt was blocked, when it was. */
  readonly stopReason?: string;
  /** The answer broke off: no end was said, and no reason for it. */
  readonly isPartial: boolean;
  readonly usage?: Usage;
  /** What a price depends on beside tokens: service tier, region, counts of server tools; of Chat also `other_choices`, as they came. */
  readonly details: JsonObject;
  /** `type: message`; of Gemini `STATUS: message`, or that the prompt was blocked. */
  readonly error?: string;
}

/** The same as facts of its call. */
export function factsOfAnswer(answer: AnswerFacts | undefined): CallFacts {
  return {
    details: answer?.details ?? {},
    ...known({
      responseId: answer?.id,
      model: answer?.model,
      stopReason: answer?.stopReason,
      usage: answer?.usage,
      error: answer?.error,
    }),
  };
}
