import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** A folder of HYP_TEST_CLIENTS in which an SDK is installed. */
export interface InstalledSdk {
  readonly sdk: keyof typeof PACKAGES;
  readonly folder: string;
}

const PACKAGES = { anthropic: ["@anthropic-ai", "sdk"], openai: ["openai"] } as const;

export function findSdks(env: NodeJS.ProcessEnv = process.env): readonly InstalledSdk[] {
  const clients = env["HYP_TEST_CLIENTS"];
  if (clients === undefined || !existsSync(clients)) return [];
  return readdirSync(clients)
    .sort()
    .flatMap((name) => {
      const folder = join(clients, name);
      return (["anthropic", "openai"] as const)
        .filter((sdk) => existsSync(join(folder, "node_modules", ...PACKAGES[sdk], "package.json")))
        .map((sdk) => ({ sdk, folder }));
    });
}

const TELL = `
const told = [];
const run = async (f) => { try { told.push(await f()); } catch (e) { told.push({ failed: e.status ?? e.name }); } };
`;

/** Every form of call, one tool loop in each API, a retry, an error and a stream that breaks off; prints what the program got. */
export const PROGRAMS: Readonly<Record<InstalledSdk["sdk"], string>> = {
  anthropic: `
import Anthropic from "@anthropic-ai/sdk";
const c = new Anthropic({ baseURL: process.env.BASE, apiKey: "sk-ant-test-key-for-the-fake-0000" });
${TELL}
const tools = [{ name: "bash", description: "run", input_schema: { type: "object", properties: { command: { type: "string" } } } }];
const base = { model: "claude-sonnet-4-6", max_tokens: 200 };
await run(() => c.messages.create({ ...base, messages: [{ role: "user", content: "SAY:text json" }] }));
await run(() => c.messages.stream({ ...base, messages: [{ role: "user", content: "SAY:text streamed" }] }).finalMessage());
await run(async () => {
  const messages = [{ role: "user", content: "SAY:bash echo hi" }];
  const asked = await c.messages.create({ ...base, messages, tools });
  const call = asked.content.find((block) => block.type === "tool_use");
  messages.push({ role: "assistant", content: asked.content }, { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "hi" }] });
  return [asked, await c.messages.stream({ ...base, messages, tools }).finalMessage()];
});
await run(() => c.messages.countTokens({ model: base.model, messages: [{ role: "user", content: "SAY:text count" }] }));
await run(() => c.messages.create({ ...base, messages: [{ role: "user", content: "SAY:status 429 1" }] }));
await run(() => c.messages.create({ ...base, messages: [{ role: "user", content: "SAY:status 400 9" }] }));
await run(() => c.messages.stream({ ...base, messages: [{ role: "user", content: "SAY:cut 1" }] }).finalMessage());
console.log(JSON.stringify(told));`,
  openai: `
import OpenAI from "openai";
const c = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: "sk-test-key-for-the-fake-0000" });
${TELL}
const model = "gpt-5.1";
const parameters = { type: "object", properties: { command: { type: "string" } } };
const tools = [{ type: "function", name: "exec_command", parameters, strict: false }];
const chatTools = [{ type: "function", function: { name: "exec_command", parameters } }];
const all = async (stream) => { const events = []; for await (const event of stream) events.push(event); return events; };
await run(() => c.responses.create({ model, input: "SAY:text json" }));
await run(async () => all(await c.responses.create({ model, input: "SAY:text streamed", stream: true })));
await run(async () => {
  const input = [{ role: "user", content: "SAY:bash echo hi" }];
  const asked = await c.responses.create({ model, input, tools });
  const call = asked.output.find((item) => item.type === "function_call");
  input.push(...asked.output, { type: "function_call_output", call_id: call.call_id, output: "hi" });
  return [asked, await all(await c.responses.create({ model, input, tools, stream: true }))];
});
await run(() => c.chat.completions.create({ model, messages: [{ role: "user", content: "SAY:text chat json" }] }));
await run(async () => all(await c.chat.completions.create({ model, messages: [{ role: "user", content: "SAY:text chat streamed" }], stream: true, stream_options: { include_usage: true } })));
await run(async () => {
  const messages = [{ role: "user", content: "SAY:bash echo chat" }];
  const asked = await c.chat.completions.create({ model, messages, tools: chatTools });
  const { message } = asked.choices[0];
  messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "chat" });
  return [asked, await c.chat.completions.create({ model, messages, tools: chatTools })];
});
await run(() => c.responses.create({ model, input: "SAY:status 429 1" }));
await run(() => c.chat.completions.create({ model, messages: [{ role: "user", content: "SAY:status 400 9" }] }));
console.log(JSON.stringify(told));`,
};
