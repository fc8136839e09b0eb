/** Bodies by their hash, those that were asked for last, within a number of bytes. */
export class BodyCache {
  readonly #maxBytes: number;
  /** Latest last. */
  readonly #bodies = new Map<string, Buffer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(hash: string): Buffer | undefined {
    const body = this.#bodies.get(hash);
    if (!body) return undefined;
    this.#bodies.delete(hash);
    this.#bodies.set(hash, body);
    return body;
  }

  set(hash: string, body: Buffer): void {
    const before = this.#bodies.get(hash);
    this.#bodies.delete(hash);
    this.#bodies.set(hash, body);
    this.#bytes += body.length - (before?.length ?? 0);
    for (const [oldest, { length }] of this.#bodies) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#bodies.delete(oldest);
      this.#bytes -= length;
    }
  }
}
