import type { IncomingMessage } from "node:http";
import { LIMITS } from "../contract/limits.ts";

type Step = IteratorResult<Buffer, undefined>;

/**
 * A request body on its way to the upstream, in the form undici takes one: an async iterable. At most `uploadQueueBytes` wait
 * here; then the client waits. It never ends early: an end is a promise to the upstream that the body is whole, so a broken
 * upload rejects, which makes undici destroy the request.
 */
export class Upload implements AsyncIterableIterator<Buffer, undefined> {
  readonly #request: IncomingMessage;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #waiter: { resolve(step: Step): void; reject(error: Error): void } | undefined;
  #failure: Error | undefined;
  #whole = false;
  #taken = false;

  /** `onChunk` sees each piece when it arrives, `onEnd` that the body is whole. */
  constructor(request: IncomingMessage, onChunk: (chunk: Buffer) => void, onEnd: () => void) {
    this.#request = request;
    request.on("data", (chunk: Buffer) => {
      // After a failure the rest is read and thrown away, so that the client gets to the answer behind its own upload.
      if (this.#failure) return;
      onChunk(chunk);
      this.#offer(chunk);
    });
    request.on("end", () => {
      if (this.#failure) return;
      this.#whole = true;
      onEnd();
      if (this.#waiter) this.#settle().resolve(this.#end());
    });
  }

  /** The upstream's side has it all, its end too. */
  get isTaken(): boolean {
    return this.#taken;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    if (this.#failure) return Promise.reject(this.#failure);
    const chunk = this.#queue.shift();
    if (chunk) {
      this.#queuedBytes -= chunk.length;
      if (this.#queuedBytes === 0) this.#request.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#whole) return Promise.resolve(this.#end());
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** Nothing more is sent. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#queue = [];
    if (this.#waiter) this.#settle().reject(error);
    this.#request.resume();
  }

  #offer(chunk: Buffer): void {
    if (this.#waiter) {
      this.#settle().resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= LIMITS.uploadQueueBytes) this.#request.pause();
  }

  #end(): Step {
    this.#taken = true;
    return { done: true, value: undefined };
  }

  #settle(): { resolve(step: Step): void; reject(error: Error): void } {
    const waiter = this.#waiter!;
    this.#waiter = undefined;
    return waiter;
  }
}
