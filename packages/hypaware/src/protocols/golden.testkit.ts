import type { ContentBlock, ExchangeRecord, ProjectedMessage, Projection } from "../contract/plugin.ts";
import { asText } from "./loose.ts";

/** An exchange and what a projector made of it, for people who read the difference. */
export function describeExchange(record: ExchangeRecord, projection: Projection | undefined): string {
  const head = `${record.method} ${record.path} -> ${record.status_code} ${record.outcome}`;
  if (projection === undefined) return `${head}\n  not projected\n`;
  const { messages, exchange, ...rest } = projection;
  const { attributes: extras, usage, ...facts } = exchange ?? {};
  const shown = {
    conversation: rest.conversation_id,
    inferred: rest.conversation_inferred,
    source: rest.conversation_source,
    client: [rest.client_name, rest.client_version, rest.entrypoint, rest.user_type],
    sidechain: rest.is_sidechain,
    model: rest.model,
    prompt: rest.prompt_id,
    system: rest.system_text,
    facts,
    usage,
    extras,
    attributes: Object.keys(rest.attributes ?? {}),
  };
  const lines = Object.entries(shown).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`],
  );
  return [
    head,
    ...lines.map((line) => line.replaceAll("\n", "\\n")),
    ...messages.map(describeMessage),
    "",
  ].join("\n");
}

/** Where blocks of the protocols have what they say. */
const SAID = ["text", "thinking", "input", "content", "arguments", "output", "summary"];

function describeMessage(message: ProjectedMessage): string {
  const blocks = message.content as readonly ContentBlock[];
  const parts = blocks.map((block) => {
    const said = SAID.map((name) => block[name]).find((value) => value !== undefined);
    return `${asText(block["type"])} ${JSON.stringify(said)}`;
  });
  const marks = [
    message.message_id,
    message.is_answer === true ? `answer at ${message.message_created_at}` : undefined,
    message.stop_reason === undefined ? undefined : `stops: ${message.stop_reason}`,
    message.is_compact_summary === true ? "summary" : undefined,
  ].filter((mark) => mark !== undefined);
  return `  ${message.role}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}: ${parts.join(" | ")}`;
}
