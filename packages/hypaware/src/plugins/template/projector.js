// @ts-check
/** @import { ExchangeProjector, ExchangeRecord, ProjectedMessage, Projection } from "hypaware/plugin" */

// The API of this example, in the place of yours:
//   POST /__NAME__/v1/chat   {"conversation": "c1", "model": "m", "messages": [{"role": "user", "text": "hello"}]}
//   answers                  {"id": "r1", "model": "m", "text": "hello back", "tokens": {"input": 3, "output": 2}}
//   or, with a status >= 400 {"error": "too many requests"}
const PATH = "/__NAME__/v1/chat";

/**
 * What was said in an exchange. It sees one exchange after it ended, with credentials removed, and may depend on nothing else: no clock,
 * no chance, no file. Bodies are whatever somebody sent, so nothing about them is believed.
 *
 * @type {ExchangeProjector}
 */
export const projector = {
  name: "__NAME__",
  priority: 100,
  match: ({ method, path }) => method === "POST" && path?.split("?", 1)[0] === PATH,
  project(record, { log }) {
    const request = objectOf(record.request_body);
    if (request !== undefined) return projection(record, request);
    log.warn("plugin.__NAME__.projector_skip", { exchange_id: record.exchange_id, reason: "no JSON object" });
    return undefined;
  },
};

/**
 * @param {ExchangeRecord} record
 * @param {Record<string, unknown>} request
 * @returns {Projection}
 */
function projection(record, request) {
  const answer = objectOf(record.response_body);
  const conversation = textOf(request.conversation);
  const model = textOf(answer?.model) ?? textOf(request.model);
  const tokens = objectIn(answer?.tokens);
  return {
    provider: "__NAME__",
    client_name: "__NAME__",
    conversation_id: conversation ?? record.exchange_id,
    conversation_started_at: record.ts_start,
    // They follow each other. Without ids of their own they are recognised by who said what after what.
    in_order: true,
    messages: [...asked(request.messages), ...answered(answer)],
    ...known({ model }),
    exchange: {
      request_class: "main",
      usage: known({ input_tokens: numberOf(tokens?.input), output_tokens: numberOf(tokens?.output) }),
      ...known({
        session_id: conversation,
        response_id: textOf(answer?.id),
        model,
        requested_model: textOf(request.model),
        error: textOf(answer?.error),
      }),
    },
  };
}

/**
 * @param {unknown} messages
 * @returns {ProjectedMessage[]}
 */
function asked(messages) {
  if (!Array.isArray(messages)) return [];
  return messages.map(objectIn).flatMap((message) => {
    const [role, text] = [textOf(message?.role), textOf(message?.text)];
    return role === undefined || text === undefined ? [] : [{ role, content: text, is_answer: false }];
  });
}

/**
 * @param {Record<string, unknown> | undefined} answer
 * @returns {ProjectedMessage[]}
 */
function answered(answer) {
  const text = textOf(answer?.text);
  return text === undefined ? [] : [{ role: "assistant", content: text, is_answer: true }];
}

/** @param {string | null} text */
function objectOf(text) {
  try {
    return objectIn(JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown> | undefined}
 */
function objectIn(value) {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? /** @type {Record<string, unknown>} */ (value) : undefined;
}

/** @param {unknown} value */
const textOf = (value) => (typeof value === "string" && value !== "" ? value : undefined);

/** @param {unknown} value */
const numberOf = (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/**
 * Without the members that are undefined.
 *
 * @template {object} T
 * @param {T} members
 * @returns {{ [K in keyof T]?: Exclude<T[K], undefined> }}
 */
function known(members) {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  return /** @type {{ [K in keyof T]?: Exclude<T[K], undefined> }} */ (Object.fromEntries(there));
}
