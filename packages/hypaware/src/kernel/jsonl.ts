// A bounded file of JSON lines. Writing never blocks and never throws: lines wait in memory while the disk is busy, over
// the bound they are dropped and counted, and what still waits when the process exits is written synchronously.
// Lines of several processes may mix, never their pieces: each piece is one append of whole lines.

import { appendFileSync, statSync } from "node:fs";
import { appendFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LIMITS } from "../contract/limits.ts";
import { ensurePrivateFolder } from "../disk/folders.ts";

export class JsonlFile {
  readonly path: string;
  readonly #maxBytes: number;
  #queue: string[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #draining: Promise<void> | undefined;
  /** A piece on its way to the disk, and the file's size before it. */
  #inFlight: { readonly text: string; readonly before: number } | undefined;
  readonly #atExit = (): void => this.#flushNow();

  constructor(path: string, maxBytes: number = LIMITS.logFileBytes) {
    this.path = path;
    this.#maxBytes = maxBytes;
    process.once("exit", this.#atExit);
  }

  write(record: object): void {
    const line = `${JSON.stringify(record)}\n`;
    if (this.#queuedBytes + line.length > LIMITS.logQueueBytes) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += line.length;
    this.#draining ??= this.#drain();
  }

  /** Resolves when everything written so far is in the file. */
  async close(): Promise<void> {
    process.off("exit", this.#atExit);
    await this.#draining;
  }

  async #drain(): Promise<void> {
    try {
      // Lets what is written in the same turn go to the disk in one piece.
      await Promise.resolve();
      while (this.#queue.length > 0) await this.#append();
    } catch {
      // A log that cannot be written must not stop anything. The bound holds; what waits is tried again with the next line.
    } finally {
      this.#draining = undefined;
    }
  }

  async #append(): Promise<void> {
    // Asked each time: another process of the same kind may write here, too.
    let { size } = await stat(this.path).catch(() => ({ size: 0 }));
    if (size === 0) ensurePrivateFolder(dirname(this.path));
    else if (size + this.#queuedBytes > this.#maxBytes) {
      await rename(this.path, `${this.path}.1`);
      size = 0;
    }
    this.#inFlight = { text: this.#take(), before: size };
    await appendFile(this.path, this.#inFlight.text, { mode: 0o600 });
    this.#inFlight = undefined;
  }

  #take(): string {
    const lost =
      this.#dropped === 0 ? "" : `${JSON.stringify({ event: "log.dropped", lines: this.#dropped })}\n`;
    const text = this.#queue.join("") + lost;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#dropped = 0;
    return text;
  }

  #flushNow(): void {
    try {
      // Exiting abandons a write that no thread has begun. Whether it came about, only the size of the file tells.
      const { text, before } = this.#inFlight ?? { text: "", before: 0 };
      const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
      const rest = (size >= before + Buffer.byteLength(text) ? "" : text) + this.#take();
      if (rest === "") return;
      ensurePrivateFolder(dirname(this.path));
      appendFileSync(this.path, rest, { mode: 0o600 });
    } catch {
      // As in #drain.
    }
  }
}
