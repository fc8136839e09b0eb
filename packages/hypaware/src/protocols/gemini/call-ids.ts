import type { Json } from "../../contract/projection.ts";
import { shortHash } from "../json-digest.ts";

/**
 * Names tool calls and pairs results with them. The wire's own ids cannot serve: an answer often has none, and the client then
 * makes one up before it repeats the call, so that a call and its echo would differ. Ids here depend only on what is called with
 * what, and on how many such calls the conversation had before. One instance reads one exchange: its history, then its answer.
 */
export class CallIds {
  readonly #counts = new Map<string, number>();
  readonly #byName = new Map<string, Calls>();
  readonly #byWireId = new Map<string, Calls>();

  /** `before`: calls that were named elsewhere, in their order. */
  constructor(before: readonly NamedCall[] = []) {
    for (const { id, name, wireId } of before) {
      const hash = id.split("_")[1] ?? "";
      this.#counts.set(hash, (this.#counts.get(hash) ?? 0) + 1);
      this.#remember(id, name, wireId);
    }
  }

  /** The id of the next call. `wireId`: what the wire calls it. */
  call(name: string, args: Json, wireId: string | undefined): string {
    const hash = shortHash([name, args]);
    const count = (this.#counts.get(hash) ?? 0) + 1;
    this.#counts.set(hash, count);
    const id = `call_${hash}${count === 1 ? "" : `_${count}`}`;
    this.#remember(id, name, wireId);
    return id;
  }

  /** The call that a result answers: by the wire's id, else the oldest open one of that name. `undefined`: it is not in the list. */
  result(name: string, wireId: string | undefined): string | undefined {
    const named = wireId === undefined ? undefined : this.#byWireId.get(wireId);
    // A client that goes on with an old session may send a result twice.
    const call = named?.open() ?? named?.last() ?? this.#byName.get(name)?.open();
    if (call === undefined) return undefined;
    call.isAnswered = true;
    return call.id;
  }

  #remember(id: string, name: string, wireId: string | undefined): void {
    const call = { id, isAnswered: false };
    addTo(this.#byName, name, call);
    if (wireId !== undefined) addTo(this.#byWireId, wireId, call);
  }
}

export interface NamedCall {
  readonly id: string;
  /** Of the tool. */
  readonly name: string;
  readonly wireId: string | undefined;
}

interface Call {
  readonly id: string;
  isAnswered: boolean;
}

/** Calls of one name, oldest first. */
class Calls {
  readonly #calls: Call[] = [];
  #firstOpen = 0;

  add(call: Call): void {
    this.#calls.push(call);
  }

  open(): Call | undefined {
    while (this.#calls[this.#firstOpen]?.isAnswered === true) this.#firstOpen += 1;
    return this.#calls[this.#firstOpen];
  }

  last(): Call | undefined {
    return this.#calls.at(-1);
  }
}

function addTo(calls: Map<string, Calls>, key: string, call: Call): void {
  const known = calls.get(key) ?? new Calls();
  calls.set(key, known);
  known.add(call);
}
