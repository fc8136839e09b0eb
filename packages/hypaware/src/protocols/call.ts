import type { Json, JsonObject, ProjectedMessage, Usage } from "../contract/projection.ts";

/** A request to a model and its answer as one thing, in whichever protocol they were written. */
export interface Call extends CallFacts {
  /** Of the request, then of the answer. */
  readonly messages: readonly ProjectedMessage[];
  /** What the first message says, as it was sent. */
  readonly firstContent: Json | undefined;
}

/** What is known of a call beside its messages: of one whose request cannot be read there is less. */
export interface CallFacts {
  /** The request's: a client may have put facts of its own there. */
  readonly body?: JsonObject;
  readonly systemText?: string;
  readonly tools?: Json;
  /** Sampling and transport settings. */
  readonly settings?: JsonObject;
  readonly requestedModel?: string;
  readonly previousResponseId?: string;
  /** The messages are only those after it. */
  readonly isHistoryLeftOut?: boolean;
  readonly responseId?: string;
  /** A later call may go on from the response by its id. */
  readonly isResponseKept?: boolean;
  readonly model?: string;
  /** As the provider said it. */
  readonly stopReason?: string;
  readonly usage?: Usage;
  /** What is known of the answer as a whole beside its messages: what a price depends on, answers that were not taken. */
  readonly details?: JsonObject;
  /** `type: message` */
  readonly error?: string;
}
