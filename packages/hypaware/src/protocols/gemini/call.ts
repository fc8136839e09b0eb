import type { ExchangeRecord } from "../../contract/exchange.ts";
import { factsOfAnswer } from "../answer-facts.ts";
import type { Call, CallFacts } from "../call.ts";
import { pathOf } from "../exchange-record.ts";
import { known } from "../loose.ts";
import { type Answer, readAnswer, readStream } from "./answer.ts";
import { CallIds } from "./call-ids.ts";
import { modelOf } from "./endpoint.ts";
import { answerMessages, requestMessages } from "./messages.ts";
import { readRequest } from "./request.ts";

/** A call of `generateContent`: one message per content. `undefined` when the request's body is not a JSON object. */
export function readCall(record: ExchangeRecord): Call | undefined {
  const request = readRequest(record);
  if (request === undefined) return undefined;
  const answer = answerOf(record, request.calls);
  return {
    messages: [
      ...request.contents.flatMap((content) => requestMessages(record, content)),
      ...answerMessages(record, answer),
    ],
    body: request.body,
    firstContent: request.firstContent,
    settings: request.settings,
    ...known({
      systemText: request.systemText,
      tools: request.tools,
      requestedModel: modelOf(pathOf(record.path)) ?? request.model,
    }),
    ...answerFacts(answer),
  };
}

/** What the response says when the request cannot be read. */
export function readAnswerFacts(record: ExchangeRecord): CallFacts {
  return answerFacts(answerOf(record, new CallIds()));
}

function answerOf(record: ExchangeRecord, calls: CallIds): Answer | undefined {
  return readStream(record.stream_events, calls) ?? readAnswer(record.response_body, calls);
}

function answerFacts(answer: Answer | undefined): CallFacts {
  const { details, ...facts } = factsOfAnswer(answer);
  return { details: { ...details, ...known({ stop_message: answer?.stopMessage }) }, ...facts };
}
