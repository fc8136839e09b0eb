import type { FrameSink } from "../../../contract/frame.ts";
import type { Json, JsonObject } from "../../../contract/plugin.ts";
import { answer, ask, CarriedSocket } from "../../carried.testkit.ts";
import { type Call, type Thread, type Utterance, type Viewed, viewed } from "../conversation.testkit.ts";
import type { Form, FormClient } from "../form.testkit.ts";
import { pieceGrain } from "../grain.testkit.ts";
import { exchangeIdOf, startOf, uuidOf, worded } from "../words.testkit.ts";
import { OPENAI_REFUSED } from "./chat.testkit.ts";
import { itemIdOf, itemsOf, responseEvents, responseIdOf } from "./responses.testkit.ts";

const SAYS = {
  summary: "Another language model started to solve this problem and produced a summary",
  compaction: "You are performing a CONTEXT CHECKPOINT COMPACTION.",
};

const common = {
  acts: new Set(["fork", "compact", "spawn"] as const),
  thinks: true,
  reminds: false,
  isNamed: true,
  sharesCopies: true,
  keeps: "thinking",
  isSummaryInLine: true,
  grains: (utterance: Utterance) =>
    worded(utterance, SAYS).pieces.map((piece, index) => {
      const grain = pieceGrain(piece, piece.kind === "result" ? "tool" : utterance.role);
      // Every item has a name, but for the prompt of a compaction.
      const isNamed = utterance.stands !== "compaction";
      return isNamed ? { ...grain, key: `${utterance.serial}/${index}` } : grain;
    }),
} as const satisfies Partial<Form>;

/** Codex over HTTP: the whole history with each request, each item under its own id. */
export const codex: Form = { ...common, name: "Codex", client: (tree) => new CodexHttp(tree) };

/** Codex over a WebSocket: what is new since the last response of the connection. */
export const codexSocket: Form = {
  ...common,
  name: "Codex, WebSocket",
  client: (tree) => new CodexSocket(tree),
};

abstract class Codex {
  readonly tree: string;

  constructor(tree: string) {
    this.tree = tree;
  }

  conversation(thread: Thread): string {
    return uuidOf(this.tree, thread.index);
  }

  /** The root thread: an agent works for the one that began it. */
  #session(thread: Thread): string {
    return thread.kind === "agent" ? this.#session(thread.from!) : this.conversation(thread);
  }

  protected headers(thread: Thread): Record<string, string> {
    const parent = { "x-codex-parent-thread-id": thread.from && this.conversation(thread.from) };
    return {
      "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
      originator: "codex_exec",
      "session-id": this.#session(thread),
      "thread-id": this.conversation(thread),
      ...(thread.kind === "agent"
        ? { ...(parent as Record<string, string>), "x-openai-subagent": "collab_spawn" }
        : {}),
    };
  }

  protected body({ path }: Call, sent: readonly Viewed[]): JsonObject {
    const isCompaction = path.at(-1)?.stands === "compaction";
    const metadata = { request_kind: isCompaction ? "compaction" : "turn" };
    return {
      model: "gpt-6.1-sol",
      store: false,
      stream: true,
      input: sent.flatMap((said) => this.#items(path, said)),
      client_metadata: { "x-codex-turn-metadata": JSON.stringify(metadata) },
    };
  }

  #items(path: readonly Utterance[], said: Viewed): readonly Json[] {
    // What is left of the pieces keeps its name.
    const original = path.find(({ serial }) => serial === said.serial)!.pieces;
    const places = said.pieces.map((piece) => original.indexOf(piece));
    return itemsOf(worded(said, SAYS), (piece, index) =>
      said.stands === "compaction" ? undefined : itemIdOf(this.tree, said, places[index]!, piece),
    );
  }
}

class CodexHttp extends Codex implements FormClient {
  ask(sink: FrameSink, call: Call): void {
    ask(sink, {
      exchangeId: exchangeIdOf(this.tree, call),
      target: "/v1/responses",
      upstream: "openai",
      startedAt: startOf(call),
      headers: this.headers(call.thread),
      body: this.body(call, viewed(call)),
    });
  }

  answer(sink: FrameSink, call: Call): void {
    const exchangeId = exchangeIdOf(this.tree, call);
    if (call.answer === undefined) return answer(sink, exchangeId, OPENAI_REFUSED);
    const outcome = call.outcome === "cut" ? "upstream_aborted" : "complete";
    answer(sink, exchangeId, { outcome, body: { events: responseEvents(this.tree, call) } });
  }
}

interface Connection {
  readonly socket: CarriedSocket;
  /** What the server knows: the last response, and all that it was given and said. */
  known?: { readonly responseId: string; readonly path: readonly Utterance[] };
}

class CodexSocket extends Codex implements FormClient {
  readonly #connections = new Map<number, Connection>();

  ask(sink: FrameSink, call: Call): void {
    const { thread, path, view } = call;
    const connection = this.#connections.get(thread.index) ?? this.#connect(sink, call);
    const { known } = connection;
    const isKnown = known?.path.every(({ serial }, index) => path[index]?.serial === serial) === true;
    const goesOn = isKnown && !view.drops && !view.clears;
    const sent = viewed(call).slice(goesOn ? known.path.length : 0);
    const previous = goesOn ? { previous_response_id: known.responseId } : {};
    connection.socket.say("client", { type: "response.create", ...previous, ...this.body(call, sent) });
  }

  answer(_sink: FrameSink, call: Call): void {
    const { thread, path, answer: said, outcome } = call;
    const connection = this.#connections.get(thread.index)!;
    if (said === undefined) {
      connection.socket.say("server", { type: "error", status: 429, ...(OPENAI_REFUSED.body as JsonObject) });
      return;
    }
    for (const event of responseEvents(this.tree, call)) connection.socket.say("server", event);
    if (outcome === "cut") {
      connection.socket.close("upstream_aborted");
      this.#connections.delete(thread.index);
      return;
    }
    connection.known = { responseId: responseIdOf(this.tree, call), path: [...path, said] };
  }

  disconnected(): void {
    this.#connections.clear();
  }

  #connect(sink: FrameSink, call: Call): Connection {
    const socket = new CarriedSocket(sink, {
      exchangeId: exchangeIdOf(this.tree, call),
      target: "/v1/responses",
      upstream: "openai",
      startedAt: startOf(call),
      headers: this.headers(call.thread),
    });
    const connection = { socket };
    this.#connections.set(call.thread.index, connection);
    return connection;
  }
}
