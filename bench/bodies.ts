// Request and answer bodies of a coding agent's wire, deterministic. A body is a template: `MARK` stands where a request has
// digits of its own, so that every use of it is a conversation of its own.

/** Of the same length as what replaces it. */
export const MARK = "@@@@@@@@@@@@";

const WORDS =
  "the function reads auth token config file and returns parsed value when session is valid otherwise retry with backoff error test path module server client stream event buffer index query table column row".split(
    " ",
  );

/** Text that compresses about as prose and code do. */
function prose(bytes: number, seed: number): string {
  let state = seed;
  let text = "";
  while (text.length < bytes) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${WORDS[(state >>> 8) % WORDS.length]}${state % 13 === 0 ? ".\n" : " "}`;
  }
  return text.slice(0, bytes);
}

interface Message {
  readonly role: "user" | "assistant";
  readonly content: readonly { readonly type: "text"; readonly text: string }[];
}

function say(role: Message["role"], text: string): Message {
  return { role, content: [{ type: "text", text }] };
}

function request(systemBytes: number, messages: readonly Message[], stream: boolean): Buffer {
  return Buffer.from(
    JSON.stringify({
      model: "claude-opus-5-5",
      max_tokens: 32_000,
      stream,
      metadata: { user_id: JSON.stringify({ session_id: `0c9b1c0e-0000-4000-8000-${MARK}` }) },
      system: [{ type: "text", text: prose(systemBytes, 7) }],
      messages,
    }),
  );
}

/** A first request of so many bytes, about. */
export function single(bytes: number, stream: boolean): Buffer {
  const systemBytes = Math.floor(bytes / 4);
  return request(systemBytes, [say("user", `${MARK} ${prose(bytes - systemBytes - 400, 11)}`)], stream);
}

export const DELTAS = 400;
const DELTA_TEXTS = Array.from({ length: DELTAS }, (_, i) => prose(8, i + 1).padEnd(8));
const TURNS = 40;

/** 40 requests from 43 to 200 KB, each holding the ones before it and their answers. */
export function conversation(): readonly Buffer[] {
  const messages: Message[] = [];
  return Array.from({ length: TURNS }, (_, turn) => {
    if (turn > 0) messages.push(say("assistant", DELTA_TEXTS.join("")));
    messages.push(say("user", `${turn} ${MARK} ${prose(700, turn + 100)}`));
    return request(42_000, messages, true);
  });
}

/** `n`: makes the message's id. */
export function jsonAnswer(n: number): string {
  return JSON.stringify({
    id: `msg_bench${n}`,
    type: "message",
    role: "assistant",
    model: "claude-opus-5-5",
    content: [{ type: "text", text: prose(1_500, 3) }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 1_000, output_tokens: 400 },
  });
}

/** In front of the deltas, and behind them. */
export function streamEnds(n: number): readonly [string, string] {
  const message = {
    id: `msg_bench${n}`,
    type: "message",
    role: "assistant",
    model: "claude-opus-5-5",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1_000, output_tokens: 1 },
  };
  return [
    event({ type: "message_start", message }) +
      event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    event({ type: "content_block_stop", index: 0 }) +
      event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 400 } }) +
      event({ type: "message_stop" }),
  ];
}

/** `sentAt`: microseconds of the monotonic clock, which all processes share, for the reader to see the delay. */
export function delta(i: number, sentAt?: number): string {
  const text = sentAt === undefined ? DELTA_TEXTS[i % DELTAS] : `<${sentAt}>`;
  return event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
}

function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
