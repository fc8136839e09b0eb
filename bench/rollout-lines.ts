import { randomBytes } from "node:crypto";
import { seededRandom } from "../flows/lib/random.ts";

/** A thread as its client might write it down: tool loops with outputs of some kilobytes, and compactions of some megabytes. */
export const THREAD = "01a202ef-0b45-76b3-9d13-12818afb6f58";
const TOOL_CALLS = 8;
/** One compaction in so many turns; the person's messages so far and a long summary stand in it. */
const TURNS_PER_WINDOW = 120;
const WORDS =
  "the of a file test error line build value type import const return function path name module".split(" ");

/** Lines without end, each with its newline. */
export function* rolloutLines(seed: number): Generator<string> {
  const random = seededRandom(seed);
  const text = (chars: number): string => {
    let said = "";
    while (said.length < chars)
      said += `${WORDS[Math.floor(random() * WORDS.length)]}${Math.floor(random() * 1e4)} `;
    return said;
  };
  const about = (chars: number): number => Math.round(chars * (0.3 + 1.4 * random()));
  let [ordinal, item] = [0, 0];
  const start = Date.parse("2026-11-22T11:00:00Z");
  const line = (type: string, payload: object): string => {
    const timestamp = new Date(start + ordinal * 250).toISOString();
    return `${JSON.stringify({ timestamp, ordinal: ordinal++, type, payload })}\n`;
  };
  const id = (kind: string): string => `${kind}_${(item++).toString(16).padStart(40, "0")}`;
  const message = (role: string, said: string): object => ({
    type: "message",
    id: id("msg"),
    role,
    content: [{ type: role === "assistant" ? "output_text" : "input_text", text: said }],
    internal_chat_message_metadata_passthrough: { turn_id: `turn-${ordinal}` },
  });
  const usage = {
    input_tokens: 2012,
    cached_input_tokens: 2001,
    output_tokens: 21,
    reasoning_output_tokens: 6,
  };
  const event = (type: string, more: object): string => line("event_msg", { type, ...more });
  const completed = (kind: string, more: object): string =>
    event("item_completed", { thread_id: THREAD, item: { type: kind, id: id("item"), ...more } });
  let asked: object[] = [];

  yield line("session_meta", {
    id: THREAD,
    session_id: THREAD,
    cwd: "/home/user/project",
    thread_source: "user",
  });
  for (let turn = 1; ; turn++) {
    yield event("task_started", { turn_id: `turn-${turn}` });
    yield line("turn_context", { turn_id: `turn-${turn}`, cwd: "/home/user/project", model: "m" });
    const prompt = message("user", text(about(1_500)));
    asked.push(prompt);
    yield line("response_item", prompt);
    for (let call = 0; call < TOOL_CALLS; call++) {
      yield completed("Reasoning", { summary_text: [text(200)] });
      yield line("response_item", {
        type: "reasoning",
        id: id("rs"),
        summary: [{ type: "summary_text", text: text(200) }],
        encrypted_content: randomBytes(about(1_500)).toString("base64"),
      });
      const callId = id("call");
      const input = text(about(600));
      yield line("response_item", {
        type: "custom_tool_call",
        id: id("ctc"),
        call_id: callId,
        name: "exec",
        input,
      });
      yield line("token_usage_record", { response_id: id("resp"), usage });
      const output = text(about(6_000));
      yield completed("CommandExecution", {
        command: ["sh", "-c", input],
        exit_code: 0,
        aggregated_output: output,
      });
      yield line("response_item", {
        type: "custom_tool_call_output",
        id: id("ctco"),
        call_id: callId,
        output: [{ type: "input_text", text: output }],
      });
      yield event("token_count", { info: { last_token_usage: usage } });
    }
    const answer = text(about(2_500));
    yield completed("AgentMessage", { content: [{ type: "Text", text: answer }] });
    yield line("response_item", message("assistant", answer));
    yield line("token_usage_record", { response_id: id("resp"), usage });
    yield event("task_complete", { turn_id: `turn-${turn}`, last_agent_message: answer });
    if (turn % TURNS_PER_WINDOW !== 0) continue;
    const left = [message("developer", text(20_000)), ...asked, message("user", text(3_000_000))];
    yield line("compacted", {
      message: "",
      window_number: turn / TURNS_PER_WINDOW,
      replacement_history: left,
      replacement_history_metadata: left.map((each) => (asked.includes(each) ? { retained_source: {} } : {})),
    });
    asked = asked.slice(-TURNS_PER_WINDOW / 2);
  }
}
