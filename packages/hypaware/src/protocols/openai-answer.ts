import type { JsonObject, Usage } from "../contract/projection.ts";

/** What a response said beside its messages, as far as it came; the same in both of OpenAI's protocols. */
export interface AnswerFacts {
  readonly id?: string;
  readonly model?: string;
  /** Chat: the reason of the first choice. Responses: `completed`, or why it is not complete. */
  readonly stopReason?: string;
  /** The answer broke off: no end was said, and no reason for it. */
  readonly isPartial: boolean;
  readonly usage?: Usage;
  /** What a price depends on beside tokens; of Chat also `other_choices`, as they came. */
  readonly details: JsonObject;
  /** `type: message` */
  readonly error?: string;
}
